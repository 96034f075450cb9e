"""The pages about tables say what the catalogue says, and the worked example of marketing's share what the mart computes."""

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
from warehouse.models.build import build, models
from warehouse.models.declarations import loaded_tables
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


def _described() -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return, by table, its kind, its description and the meanings of its columns, as the page has them."""
    sections = re.split(r"^### `([a-z_.]+)` \((table|view)\)\n\n(.*)\n", (DOCS / "tables.md").read_text("utf-8"), flags=re.MULTILINE)
    parts = zip(sections[1::4], sections[2::4], sections[3::4], sections[4::4], strict=True)
    return {name: (kind, about, {row[0].strip("`"): row[1] for row in _cells(text)}) for name, kind, about, text in parts}


def test_page_has_every_table_with_its_columns_in_order(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("""
        SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()
        WHERE schema_name IN ('core', 'marts', 'ops', 'locked') AND database_name = current_database() GROUP BY ALL
    """).fetchall()
    assert {name: list(columns) for name, (_, _, columns) in _described().items()} == dict(rows)


def test_page_and_yml_say_the_same() -> None:
    described = _described()
    for one in (*models(), *loaded_tables()):
        assert described.pop(one.name) == (one.kind, one.description, one.columns), one.name
    assert not described


def test_every_column_is_described_in_its_yml_in_order(con: duckdb.DuckDBPyConnection) -> None:
    for one in (*models(), *loaded_tables()):
        columns = [row[0] for row in con.execute(f"DESCRIBE {one.name}").fetchall()]
        assert list(one.columns) == columns, one.name


def test_the_catalogue_says_what_every_table_and_column_means(con: duckdb.DuckDBPyConnection) -> None:
    silent = con.execute("""
        SELECT schema_name, table_name, column_name FROM duckdb_columns()
        WHERE schema_name IN ('core', 'marts', 'ops') AND database_name = current_database() AND comment IS NULL
    """).fetchall()
    assert silent == []


def test_columns_that_stay_out_of_snapshots_are_said_to() -> None:
    hidden = {
        name: [c for c, about in columns.items() if "Stays out of snapshots" in about] for name, (_, _, columns) in _described().items()
    }
    assert {name: columns for name, columns in hidden.items() if columns} == {
        "core.deal": ["owner"],
        "core.deal_history": ["source", "event_id", "owner"],
        "core.journey_touch": ["actor"],
    }


def _section(title: str) -> str:
    return (DOCS / "marketing-share.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def _fill(con: duckdb.DuckDBPyConnection) -> None:
    """Put the deals of the page's first table in place of the books; `linear` gives every touch the same."""
    for table in ("deal", "entry", "journey_touch", "credit_line", "cost_daily"):
        con.execute(f"TRUNCATE core.{table}")
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
