"""report, explain and status on small books: what they print, as text, as JSON, as files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from nisba.cli import figures
from tests.unit.cli.conftest import AsJson, Run
from tests.unit.reports.test_advice import ROW
from warehouse.migrations import migrate

# report


def test_report_shows_both_tables(run: Run, warehouse: Path) -> None:
    result = run("report", "--warehouse", warehouse)
    for text in ("Campaign ROI 2026, USD", "+102 %", "won 920.00 USD in 2 deals", "target 30 %; attributed is 26.0 points above it"):
        assert text in result.stdout
    assert result.stdout.splitlines()[0] == "Campaign ROI 2026, USD"
    assert "NOT add up" not in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("options", "revenue"),
    [
        ((), {"c-expo": "405.000", "(none)": "405.000", "c-mail": "110.000", "(unattributed)": "0.000"}),
        (("--period", "2026-Q1"), {"c-expo": "450.000", "(none)": "450.000", "c-mail": "0.000", "(unattributed)": "0.000"}),
        (("--period", "2026-05"), {"c-mail": "110.000"}),
        (("--period", "2026-05", "--model", "first_touch"), {"c-mail": "110.000"}),
        (("--model", "first_touch"), {"c-expo": "810.000", "c-mail": "110.000", "(none)": "0.000", "(unattributed)": "0.000"}),
    ],
)
def test_report_as_json_has_money_as_text(as_json: AsJson, warehouse: Path, options: tuple[str, ...], revenue: dict[str, str]) -> None:
    found = as_json("report", "--warehouse", warehouse, *options)
    assert {row["campaign_id"]: row["revenue"] for row in found["campaigns"]} == revenue
    assert found["checks"] == {"deals": 4, "entries": 4, "wrong_entries": 0, "models": 2, "held": 0, "booked": "920.000", "data_issues": []}


def test_report_as_json_names_what_it_is_of(as_json: AsJson, warehouse: Path) -> None:
    found = as_json("report", "--warehouse", warehouse)
    assert list(found) == [
        "period_kind",
        "period",
        "model",
        "rule",
        "currency",
        "target_pct",
        "campaigns",
        "share",
        "models",
        "positive",
        "advice",
        "checks",
    ]
    assert [found[name] for name in ("period_kind", "period", "model", "currency", "target_pct")] == ["year", "2026", "linear", "USD", 30.0]
    names = ["campaign_id", "campaign_name", "channel", "cost", "revenue", "roi", "realized_revenue", "realized_roi", "roas", "won_deals"]
    assert list(found["campaigns"][0]) == [*names, "pipeline", "roi_reason", "matured_pct"]
    assert {"won_revenue", "attributed", "attributed_pct", "attributed_deals", "coverage_deals_pct", "gap_to_target"} <= set(found["share"])


@pytest.mark.parametrize(("name", "begins"), [("report.html", "<!doctype html>"), ("report.md", "# Revenue and its causes, 2026\n")])
def test_report_as_file(run: Run, warehouse: Path, name: str, begins: str) -> None:
    result = run("report", "--warehouse", warehouse, "--output", name)
    assert (result.exit_code, result.stdout) == (0, f"Wrote {name}.\n")
    text = Path(name).read_text("utf-8")
    assert text.startswith(begins)
    assert "Marketing drove 56.0 % of 920.00 USD won in 2026: 26.0 points above the target of 30 %." in text
    assert "c-expo" in text
    assert "4 entries of 4 deals, 2 models: the credits add up to them." in text


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.htm", "report.md.txt", ".md"])
def test_report_writes_no_other_files(run: Run, warehouse: Path, tmp_path: Path, name: str) -> None:
    result = run("report", "--warehouse", warehouse, "--output", name)
    assert (result.exit_code, result.stderr) == (2, f"Error: --output {name}: expected a file that ends in .html or .md.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--period", "2031"), "no figures for the period '2031'; there are months from 2026-02 to 2026-05, quarters (2026-Q1) and years."),
        (("--model", "lineal"), "no model 'lineal' in the books; there are: first_touch, linear."),
    ],
)
def test_report_of_what_is_not_there_is_one_sentence(run: Run, warehouse: Path, options: tuple[str, ...], sentence: str) -> None:
    result = run("report", "--warehouse", warehouse, *options)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {sentence}\n")


@pytest.fixture
def changed(tmp_path: Path, warehouse: Path) -> Path:
    """A copy of the books, to be broken."""
    path = tmp_path / "changed.duckdb"
    path.write_bytes(warehouse.read_bytes())
    return path


@pytest.fixture
def advised(changed: Path) -> Path:
    """Books with one piece of advice."""
    with duckdb.connect(str(changed)) as con:
        con.execute(ROW.format(rank=1, kind="campaign", entity="c-expo", money=1234.5678))
    return changed


SENTENCE = (
    "Campaign “c-expo” had an ROI of +50 % in 2026-Q1; the best 25 % of campaigns had at least +150 %."
    " At the same cost, that would be worth 1,235 USD."
)


def test_advice_as_json_has_figures_sentence_and_evidence(as_json: AsJson, advised: Path) -> None:
    arabic, english = (as_json("report", "--warehouse", advised, "--lang", language)["advice"] for language in ("ar", "en"))
    assert english == [
        {
            "rank": 1,
            "metric": "roi",
            "entity_kind": "campaign",
            "entity": "c-expo",
            "name": "c-expo",
            "period": "2026-Q1",
            "value": 0.5,
            "best_quartile": 1.5,
            "money": "1234.57",
            "sentence_key": "advice.roi",
            "evidence": "SELECT 1",
            "sentence": SENTENCE,
        }
    ]
    assert [{**row, "sentence": SENTENCE} for row in arabic] == english
    assert arabic[0]["sentence"].startswith("الحملة «\u2068c-expo\u2069»: العائد على الاستثمار في الربع الأول من ٢٠٢٦ هو ")


def test_advice_is_in_every_format(run: Run, advised: Path) -> None:
    shown = run("report", "--warehouse", advised, "--period", "2026-Q1").stdout.splitlines()
    after = shown.index("Where there is most to gain") + 1
    assert " ".join(line.strip() for line in shown[after : after + 2]) == f"1. {SENTENCE}"
    assert "This is of 2026-Q1, the latest quarter that is over; the report is of 2026." in run("report", "--warehouse", advised).stdout
    for name, line in (("report.md", f"1. {SENTENCE}"), ("report.html", f"<li>{SENTENCE}</li>")):
        run("report", "--warehouse", advised, "--output", name)
        assert line in Path(name).read_text("utf-8").splitlines()


def test_report_in_arabic(run: Run, warehouse: Path) -> None:
    shown = run("report", "--warehouse", warehouse, "--lang", "ar", "--period", "2026-Q1").stdout
    assert shown.startswith("العائد على الاستثمار للحملات، الربع الأول من ٢٠٢٦، بعملة USD\n")
    assert "المستهدف ٣٠٪؛ والمنسوب أعلى منه بفارق ٢٠٫٠ من النقاط المئوية" in shown
    run("report", "--warehouse", warehouse, "--lang", "ar", "--output", "report.html")
    page = Path("report.html").read_text("utf-8")
    assert page.startswith('<!doctype html>\n<html lang="ar" dir="rtl">')
    assert "٩٢٠٫٠٠ \u2068USD\u2069" in page


def test_language_that_there_is_not(run: Run, warehouse: Path) -> None:
    result = run("report", "--warehouse", warehouse, "--lang", "fr")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: Invalid value for '--lang': 'fr' is not one of 'ar', 'en'.")


def test_report_says_when_credits_do_not_add_up(run: Run, as_json: AsJson, changed: Path) -> None:
    with duckdb.connect(str(changed)) as con:
        con.execute("DELETE FROM core.credit_line WHERE deal_id = 'd-large'")
        con.execute("UPDATE core.credit_line SET revenue_reporting = 2 * revenue_reporting WHERE deal_id = 'd-euro'")
    sentence = "4 entries of 4 deals, 2 models: the credits do NOT add up in 3 cases."
    assert run("report", "--warehouse", changed).stdout.splitlines()[-1] == sentence
    assert as_json("report", "--warehouse", changed)["checks"]["wrong_entries"] == 3
    for name in ("report.md", "report.html"):
        run("report", "--warehouse", changed, "--output", name)
        assert sentence in Path(name).read_text("utf-8")


def test_report_says_what_is_held(run: Run, changed: Path) -> None:
    with duckdb.connect(str(changed)) as con:
        con.execute("UPDATE core.entry SET amount_reporting = NULL WHERE deal_id = 'd-euro'")
        con.execute("UPDATE core.credit_line SET revenue_reporting = NULL WHERE deal_id = 'd-euro'")
    said = run("report", "--warehouse", changed).stdout.splitlines()[-1]
    assert said == "1 entries are held, and are in no figure: `nisba status` says why."


def test_report_shows_the_first_campaigns_and_all_on_request(run: Run, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "CAMPAIGNS_SHOWN", 1)
    first, whole = (run("report", "--warehouse", warehouse, *more).stdout for more in ((), ("--all",)))
    assert ("3 more campaigns: --all shows them" in first, "more campaigns" in whole) == (True, False)
    assert [name in first for name in ("c-expo", "c-mail")] == [True, False]
    assert [name in whole for name in ("c-expo", "c-mail")] == [True, True]


def test_report_of_a_period_without_deals_has_no_share(run: Run, changed: Path) -> None:
    with duckdb.connect(str(changed)) as con:
        con.execute("DELETE FROM marts.marketing_share WHERE period = '2026-02'")
    result = run("report", "--warehouse", changed, "--period", "2026-02")
    assert result.stdout.splitlines()[-1] == "No deal was won in 2026-02: there is no share to show."


def test_report_of_an_empty_warehouse_says_what_to_do(run: Run, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as con:
        migrate(con)
    result = run("report", "--warehouse", "empty.duckdb")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the books are empty: run `nisba backfill`")


def test_report_reads_the_warehouse_of_the_configuration(run: Run, warehouse: Path) -> None:
    Path("nisba.toml").write_text(f'[warehouse]\npath = "{warehouse}"\n', "utf-8")
    assert run("report").stdout.startswith("Campaign ROI 2026, USD\n")
    assert run("report", "--warehouse", "absent.duckdb").exit_code == 1  # flags go before the file


# explain


def test_explain_shows_everything_that_credits_rest_on(run: Run, landed: Path) -> None:
    result = run("explain", "d-1", "--warehouse", landed, "--config", landed.parent / "nisba.toml")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Deal d-1 of acme: won, 100.00 USD; ")
    assert [line for line in lines if line in ("Journey", "Entries", "Left out")] == ["Journey", "Entries", "Left out"]
    for text in ("its source took it back", "kind impression is excluded", "team partner earns no credit", "counts as one with t-first"):
        assert text in result.stdout
    assert "Held: adjustment A-2: " in result.stdout


def test_explain_in_arabic(run: Run, landed: Path) -> None:
    result = run("explain", "d-1", "--warehouse", landed, "--config", landed.parent / "nisba.toml", "--lang", "ar")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("الصفقة d-1، الحساب acme: مكسوبة، ١٠٠٫٠٠ USD؛ ")
    assert [line for line in lines if line in ("رحلة العميل", "القيود", "ما استُبعد")] == ["رحلة العميل", "القيود", "ما استُبعد"]


def test_explain_as_json(as_json: AsJson, landed: Path) -> None:
    found = as_json("explain", "d-1", "--warehouse", landed, "--config", landed.parent / "nisba.toml", "--model", "first_touch")
    assert (found["model"], [row["credit"] for row in found["touches"]]) == ("first_touch", ["60.000", None])
    assert sum(Decimal(row["revenue"]) for row in found["credits"]) == 60
    assert (found["deal"]["amount"], found["deal"]["closed_at"]) == ("100.000", "2026-02-10T00:00:00+00:00")
    assert len(found["left_out"]) == 7


def test_explain_of_a_deal_without_anything(run: Run, landed: Path) -> None:
    output = run("explain", "d-2", "--warehouse", landed, "--config", landed.parent / "nisba.toml").stdout
    assert output.startswith("Deal d-2 of globex: open, no amount; opened 2026-01-05 00:00.\n")
    assert "No eligible touch: the whole deal is unattributed." in output
    assert output.endswith("No touch of the account was left out.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("d-9",), "no deal has the id 'd-9' in the books; the nearest are d-1, d-2."),
        (("",), "no deal has the id '' in the books; the nearest are d-1, d-2."),
        (("d-1", "--model", "mine"), "no model 'mine' in the books; there are: first_touch, linear, marketing_only."),
    ],
)
def test_explain_of_what_is_not_there_is_one_sentence(run: Run, landed: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = run("explain", *arguments, "--warehouse", landed)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == f"Error: {sentence}"


def test_explain_shows_the_first_left_out_touches_and_all_on_request(run: Run, landed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LEFT_OUT_SHOWN", 3)
    options = ("--warehouse", landed, "--config", landed.parent / "nisba.toml")
    first, whole = (run("explain", "d-1", *options, *more).stdout for more in ((), ("--all",)))
    assert ("4 more: --all shows them" in first, "more: --all" in whole) == (True, False)
    assert ("t-early" in first, "t-late" in first, "t-late" in whole) == (True, False, True)


# status


def test_status_counts(as_json: AsJson, warehouse: Path) -> None:
    found = as_json("status", "--warehouse", warehouse)
    assert [(row["error_class"], row["records"]) for row in found["dead_letters"]] == [("malformed", 1), ("schema", 2)]
    assert (found["dirty_accounts"], found["published"], found["broker"]) == (0, None, "nothing was read from Kafka yet")
    assert (found["offsets"], found["lag"]) == ([], None)
    assert [cycle["cycle_no"] for cycle in found["cycles"]] == [3, 2, 1]


def test_status_as_tables(run: Run, warehouse: Path) -> None:
    lines = run("status", "--warehouse", warehouse).stdout.splitlines()
    assert lines[:3] == ["Published: nothing yet", "Dirty accounts: 0   conflicts settled: 0", "Dead letters"]
    assert "│ schema      │ 2       │ 2026-02-10 00:00:00 │" in lines
    assert lines[-1] == "Lag: unknown; nothing was read from Kafka yet"
    assert "Held: none" in lines


def test_status_of_a_warehouse_whose_broker_is_away(as_json: AsJson, run: Run, changed: Path) -> None:
    with duckdb.connect(str(changed)) as con:
        con.execute("INSERT INTO ops.kafka_offset (topic, kafka_partition, next_offset) VALUES ('crm.deal', 3, 42)")
    Path("nisba.toml").write_text('[kafka]\nbootstrap_servers = "127.0.0.1:1"\ntimeout_seconds = 1\n', "utf-8")
    found = as_json("status", "--warehouse", changed)
    assert found["offsets"] == [{"topic": "crm.deal", "partition": 3, "next_offset": 42}]
    assert found["lag"] is None
    assert "127.0.0.1:1" in found["broker"]
