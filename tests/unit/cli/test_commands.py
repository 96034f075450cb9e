"""The commands on a real small warehouse: what they print, and the code they end with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from nisba.cli import COMMANDS, cli
from nisba.cli.template import TEMPLATE
from nisba.config import load_config
from warehouse.migrations import migrate
from warehouse.models.build import build

ROOT = Path(__file__).resolve().parents[3]

ONE_WON_DEAL = """
INSERT INTO core.setting BY NAME SELECT 'USD' AS reporting_currency, 'UTC' AS time_zone, 1 AS fiscal_year_start_month,
    'linear' AS default_model, ['linear'] AS models, 30 AS target_pct, ['website'] AS lead_sources, 'h' AS config_hash;
INSERT INTO core.model VALUES ('linear', 'all touches 100 % in equal parts');
INSERT INTO core.deal BY NAME SELECT 'won_by_two_touches' AS deal_id, 'acme' AS account_id, 'won' AS status, 100 AS amount,
    'USD' AS currency, 100 AS amount_reporting, DATE '2026-01-05' AS opened_on, DATE '2026-02-10' AS closed_on,
    TIMESTAMPTZ '2026-01-05 00:00:00+00' AS opened_at, TIMESTAMPTZ '2026-02-10 00:00:00+00' AS closed_at;
INSERT INTO core.entry BY NAME SELECT 'won_by_two_touches' AS deal_id, 1 AS entry_no, 'booking' AS entry, DATE '2026-02-10' AS booked_on,
    true AS is_final, 'USD' AS currency, 100 AS amount, 100 AS amount_reporting;
INSERT INTO core.journey_touch BY NAME SELECT 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal, 2 AS journey_length,
    DATE '2026-01-03' AS touched_on, 'event' AS channel, if(n = 1, 'c-expo', NULL) AS campaign_id,
    if(n = 1, 'marketing', 'sales') AS team FROM range(1, 3) AS touch(n);
INSERT INTO core.credit_line BY NAME SELECT 'linear' AS model, 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal,
    1 AS entry_no, 0.5 AS weight, 50 AS revenue, 50 AS revenue_reporting FROM range(1, 3) AS touch(n);
INSERT INTO core.cost_daily BY NAME SELECT 'c-expo' AS campaign_id, 'event' AS channel, DATE '2026-02-01' AS day, 20 AS cost_reporting;
INSERT INTO ops.dead_letter BY NAME SELECT 'crm.deal' AS topic, 3 AS kafka_partition, o AS kafka_offset, c AS error_class,
    'not one JSON object' AS message, '{"broken'::BLOB AS value, 0 AS attempt, TIMESTAMPTZ '2026-02-10 00:00:00+00' AS recorded_at
    FROM (VALUES (7, 'malformed'), (8, 'schema')) AS letter(o, c);
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        migrate(con)
        con.execute(ONE_WON_DEAL)
        build(con)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="nisba")


def as_json(*arguments: object) -> object:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"nisba {name}" in result.output.split("Example:")[1]


def test_help_imports_nothing_that_is_slow() -> None:
    slow = ["apache_beam", "prefect", "great_expectations", "duckdb", "pyarrow", "rich"]
    code = (
        "import sys; from click.testing import CliRunner; from nisba.cli import cli;"
        "assert 'backfill' in CliRunner().invoke(cli, ['--help']).output;"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "[]"


def test_report_shows_both_tables(warehouse: Path) -> None:
    output = run("report", "--warehouse", warehouse).stdout
    assert "Campaign ROI 2026, USD" in output
    assert "+150 %" in output
    assert "won 100.00 USD in 1 deals" in output
    assert "target 30 %; attributed is 20.0 points above it" in output


def test_report_as_json(warehouse: Path) -> None:
    found = as_json("report", "--warehouse", warehouse, "--period", "2026-Q1")
    assert isinstance(found, dict)
    assert {row["campaign_id"]: row["revenue"] for row in found["campaigns"]} == {"c-expo": "50.000", "(none)": "50.000"}
    assert found["checks"]["wrong_entries"] == 0


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_report_as_file(warehouse: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert run("report", "--warehouse", warehouse, "--output", file).exit_code == 0
    text = file.read_text("utf-8")
    assert "Marketing drove 50.0 % of 100.00 USD won in 2026: 20.0 points above the target of 30 %." in text
    assert "c-expo" in text


def test_unknown_period_is_one_sentence(warehouse: Path) -> None:
    result = run("report", "--warehouse", warehouse, "--period", "2031")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no figures for the period '2031'")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("report", "--output", "report.pdf"), 2, "expected a file that ends in .html or .md"),
        (("report", "--config", "absent.toml"), 2, "absent.toml: cannot be read"),
        (("report", "--warehouse", "absent.duckdb"), 1, "no such warehouse"),
        (("backfill", "absent", "--warehouse", "absent.duckdb"), 1, "absent: no such folder"),
    ],
)
def test_errors_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.output
    assert not list(tmp_path.iterdir())


def test_wrong_usage_is_2() -> None:
    assert run("report", "--bogus").exit_code == 2
    assert run("bogus").exit_code == 2


def test_dead_letters_by_class_and_one(warehouse: Path) -> None:
    listed = as_json("dead-letters", "list", "--warehouse", warehouse, "--class", "malformed")
    assert isinstance(listed, list)
    assert [row["kafka_offset"] for row in listed] == [7]
    shown = as_json("dead-letters", "show", "crm.deal/3/8", "--warehouse", warehouse)
    assert isinstance(shown, dict)
    assert (shown["error_class"], shown["value"]) == ("schema", '{"broken')
    absent = run("dead-letters", "show", "crm.deal/3/9", "--warehouse", warehouse)
    assert (absent.exit_code, "no dead letter at crm.deal/3/9" in absent.stderr) == (1, True)


def test_status_counts(warehouse: Path) -> None:
    found = as_json("status", "--warehouse", warehouse)
    assert isinstance(found, dict)
    assert [(row["error_class"], row["records"]) for row in found["dead_letters"]] == [("malformed", 1), ("schema", 1)]
    assert (found["dirty_accounts"], found["published"], found["broker"]) == (0, None, "nothing was read from Kafka yet")


def test_init_writes_what_can_be_read(tmp_path: Path) -> None:
    assert run("init", tmp_path / "books").exit_code == 0
    assert load_config(tmp_path / "books" / "nisba.toml", environment={}).reporting.currency == "USD"
    assert (tmp_path / "books" / "warehouse.duckdb").exists()
    again = run("init", tmp_path / "books")
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)


def test_example_configuration_is_the_template() -> None:
    assert (ROOT / "nisba.example.toml").read_text("utf-8") == TEMPLATE


def test_simulate_tells_what_it_wrote(tmp_path: Path) -> None:
    counts = as_json("simulate", tmp_path, "--accounts", "5", "--days", "60")
    assert isinstance(counts, dict)
    lines = sum(len(file.read_bytes().splitlines()) for file in tmp_path.glob("*.jsonl"))
    assert counts["records"] == lines > 0
