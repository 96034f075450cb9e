"""The page about tables is what the declarations say, and the worked example of marketing's share what the mart computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from nisba.config import Attribution, Config, Marketing
from tests.unit.warehouse.landing import empty_warehouse
from tests.unit.warehouse.small_books import books
from warehouse.loader import replace_books
from warehouse.models.build import build
from warehouse.models.declarations import tables
from warehouse.models.docs import main, page
from warehouse.recompute.scope import Scope

DOCS = Path(__file__).resolve().parents[3] / "docs"
CONFIG = Config(attribution=Attribution(models=("linear",), default_model="linear"), marketing=Marketing(lead_sources=("website",)))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        replace_books(connection, scope=Scope(everything=True), books=books(), config=CONFIG)
        build(connection)
        yield connection


def _cells(text: str) -> list[list[str]]:
    """Return the rows of the Markdown tables in a text, without their headings."""
    rows = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    return rows[2:]


def test_page_is_what_the_declarations_say_now() -> None:
    assert (DOCS / "tables.md").read_text("utf-8") == page(), "docs/tables.md is stale: `make docs`"


def test_page_has_every_table_and_column_once() -> None:
    sections = re.split(r"^### `([a-z_.]+)` \((?:table|view)\)$", page(), flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert found.keys() == tables().keys()
    for name, text in found.items():
        columns = text[text.index("| column |") :].split("\n\n")[0]
        assert [row[0].strip("`") for row in _cells(columns)] == [column.name for column in tables()[name].columns], name


def test_page_says_what_of_operations_is_published() -> None:
    assert "held money, cycles | `ops.cycle`, `ops.data_issue`, `ops.held` alone |" in page()


def test_row_of_a_column_says_type_unit_meaning_and_tests() -> None:
    lines = page().splitlines()
    kinds = "not null, one of `month`, `quarter`, `year`"
    assert f"| `period_kind` | `VARCHAR` |  | month, quarter or year; months are calendar months. | {kinds} |" in lines
    weight = "Share of the touch, rounded to twelve decimals; money is computed from the exact fraction."
    assert f"| `weight` | `DECIMAL(18,12)` | share | {weight} | not null, at least 0 and at most 1 |" in lines
    assert "| `owner` | `VARCHAR` |  | Who owns the deal. Stays out of snapshots unless owners are shown. |  |" in lines
    assert "| `deal_id` | `VARCHAR` |  | The deal. | not null, in `core.deal.deal_id` |" in lines


def test_bars_inside_a_cell_do_not_end_it() -> None:
    (row,) = (line for line in page().splitlines() if "first day" in line and "last day of a spend" in line)
    assert "source\\|campaign\\|first day\\|last day of a spend" in row
    assert len(_cells(f"| head |\n|---|\n{row}")[0]) == 5


def test_page_says_grain_maker_laws_and_macros() -> None:
    text = page()
    assert "Grain: `deal_id`, `entry_no`. The loader fills it, with every cycle; published." in text
    assert "Grain: none, rows may repeat. The loader fills it, with every cycle; not published." in text
    assert "Grain: `period_kind`, `day`. Made by SQL, with every cycle; published." in text
    assert "* `entry_is_converted` (warning): Held money is in no figure: rates are missing." in text
    assert "| `marts.roas(revenue, cost)` | revenue / cost; null where marts.roi(revenue, cost) is. |" in text


def test_page_is_written_or_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tables.md"
    assert main([str(file)]) == 0
    assert file.read_text("utf-8") == page()
    assert main([]) == 0
    assert capsys.readouterr().out == page()
    for wrong in (["a", "b"], ["--hlep"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("usage: ")


def _section(title: str) -> str:
    return (DOCS / "marketing-share.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def _fill(con: duckdb.DuckDBPyConnection) -> None:
    """Put the deals of the page's first table in place of the books; `linear` gives every touch the same."""
    for table in ("deal", "entry", "journey_touch", "credit_line", "cost_daily"):
        con.execute(f"TRUNCATE core.{table}")
    con.execute("UPDATE core.setting SET lead_sources = ['website']")
    for deal, revenue, source, touches in _cells(_section("The quarter")):
        teams = [] if touches == "–" else touches.split(", ")
        con.execute(
            "INSERT INTO core.deal BY NAME SELECT ? AS deal_id, 'won' AS status, nullif(?, '–') AS lead_source,"
            " DATE '2026-02-10' AS closed_on",
            [deal, source],
        )
        con.execute(
            "INSERT INTO core.entry BY NAME SELECT ? AS deal_id, 1 AS entry_no, 'booking' AS entry, DATE '2026-02-10' AS booked_on,"
            " true AS is_final, ? AS amount, amount AS amount_reporting",
            [deal, revenue],
        )
        for ordinal, team in enumerate(teams, start=1):
            con.execute(
                "INSERT INTO core.journey_touch (journey, deal_id, ordinal, team) VALUES ('default', ?, ?, ?)", [deal, ordinal, team]
            )
        for ordinal in range(1, len(teams) + 1) if teams else (0,):
            share = 1 / max(1, len(teams))
            con.execute(
                "INSERT INTO core.credit_line VALUES ('linear', 'default', ?, ?, 1, ?, ?, ?)",
                [deal, ordinal, share, int(revenue) * share, int(revenue) * share],
            )
    build(con)


def test_worked_example_is_what_the_mart_computes(con: duckdb.DuckDBPyConnection) -> None:
    _fill(con)
    shown = _cells(_section("The six measures"))
    assert [row[0].strip("`") for row in shown] == [
        "sourced_lead_source", "sourced_first_touch", "sourced_before_sales", "influenced", "coverage", "attributed",
    ]  # fmt: skip
    where = "FROM marts.marketing_share WHERE period = '2026-Q1' AND segment = 'all'"
    for name, _, _, revenue, pct, deals, deals_pct in ([cell.strip("`% ") for cell in row] for row in shown):
        found = con.execute(f"SELECT {name}, {name}_pct, {name}_deals, {name}_deals_pct {where}").fetchall()
        assert [tuple(map(float, row)) for row in found] == [tuple(map(float, (revenue, pct, deals, deals_pct)))], name
    assert con.execute(f"SELECT won_revenue, won_deals, target_pct, gap_to_target {where}").fetchall() == [(1000, 4, 30, -15)]
    by_team = dict(con.execute("SELECT team, sum(revenue_reporting) FROM core.credit GROUP BY ALL").fetchall())
    assert by_team == {"marketing": 150, "sales": 450, None: 400}
