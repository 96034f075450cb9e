"""The marts, from the oracle's books, show the figures that the oracle reckons from the same books (semantics §9)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from tests import oracle
from tests.oracle.costs import named_campaigns
from tests.oracle.figures import MEASURES, Figures, campaign_roi, marketing_share
from tests.oracle.settled import settle
from tests.strategies import Event, configs, event_sets, examples, facts_of
from warehouse.migrations import migrate
from warehouse.models.build import build
from warehouse.models.check_files import checks_of
from warehouse.models.declarations import tables
from warehouse.query import relations
from warehouse.settings import write_settings

AMOUNTS = ("cost", "revenue", "realized_revenue", "pipeline", "won_deals", "roi_reason")
RATIOS = ("roi", "roas", "realized_roi")
SUMMED = ("won_revenue", "won_deals", *MEASURES, *(f"{name}_deals" for name in MEASURES))
FROM_THE_LEDGER = {"marts.touch_activity"}
"""The ledger of these worlds has campaigns alone."""


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        migrate(con)
        yield con


def _built(con: duckdb.DuckDBPyConnection, events: list[Event], rows: oracle.Rows, config: Config) -> None:
    """Put the books into the tables of `core` and the campaigns into the ledger, and build the marts."""
    campaigns = facts_of([one for one in events if one["type"] == "nisba.campaign.v1"]).campaign
    con.execute("TRUNCATE ledger.campaign")
    with relations(con, campaigns=campaigns):
        con.execute("INSERT INTO ledger.campaign BY NAME SELECT * FROM campaigns")
    for name in BOOK_SCHEMAS.keys() - {"held"}:
        made = pa.Table.from_pylist(rows[name], schema=BOOK_SCHEMAS[name])
        con.execute(f"TRUNCATE core.{name}")
        with relations(con, made=made):
            con.execute(f"INSERT INTO core.{name} BY NAME SELECT * FROM made")
    write_settings(con, config)
    build(con)


def _figures(con: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...], where: str = "true") -> Figures:
    rows = con.execute(f"SELECT * FROM marts.{table} WHERE {where}").to_arrow_table().to_pylist()
    return {tuple(row[key] for key in keys): row for row in rows}


@examples(40, of_profile=0.02)  # each builds all the marts
@given(event_sets(), configs())
def test_marts_show_the_oracles_figures(warehouse: duckdb.DuckDBPyConnection, events: list[Event], config: Config) -> None:
    rows = oracle.fold(events, config)
    _built(warehouse, events, rows, config)
    names = named_campaigns(settle(events))
    by_campaign = _figures(warehouse, "campaign_roi", ("period_kind", "period", "campaign_id", "model"))
    _assert_campaign_roi(by_campaign, campaign_roi(rows, config, names))
    for kind in ("segment", "region", "deal_type", "product", "owner"):
        told_apart = {**rows, "deal": [deal | {"segment": deal[kind]} for deal in rows["deal"]]}
        _assert_marketing_share(_share_by(warehouse, kind), marketing_share(told_apart, config))
    _assert_trailing_years(_trailing_years(warehouse), marketing_share(rows, config))
    assert _broken_laws(warehouse) == {}


def _share_by(con: duckdb.DuckDBPyConnection, kind: str) -> Figures:
    """Return marketing's share of all deals, and of those that a kind of segment tells apart."""
    where = f"segment_kind IN ('all', '{kind}') AND period_kind <> 'ttm'"
    return _figures(con, "marketing_share", ("period_kind", "period", "segment", "model"), where)


def _trailing_years(con: duckdb.DuckDBPyConnection) -> Figures:
    where = "segment_kind IN ('all', 'segment') AND period_kind = 'ttm'"
    return _figures(con, "marketing_share", ("period", "segment", "model"), where)


def _assert_trailing_years(found: Figures, by_period: Figures) -> None:
    """Each is the sum of its twelve months, from the first whole one among the months that have rows to the last."""
    months = {key[1:]: row for key, row in by_period.items() if key[0] == "month"}
    numbers = {month: 12 * int(month[:4]) + int(month[5:]) for month, _, _ in months}
    expected: dict[tuple[str, ...], dict[str, Fraction]] = {}
    for last in range(min(numbers.values(), default=0) + 11, max(numbers.values(), default=-1) + 1):
        for (month, segment, model), row in months.items():
            if last - 12 < numbers[month] <= last:
                key = (f"{(last - 1) // 12}-{(last - 1) % 12 + 1:02}", segment, model)
                summed = expected.setdefault(key, dict.fromkeys(SUMMED, Fraction(0)))
                expected[key] = {name: summed[name] + Fraction(row[name]) for name in SUMMED}
    assert {key: {name: Fraction(row[name]) for name in SUMMED} for key, row in found.items()} == expected


def _broken_laws(con: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """Return the rows that break a law of the tables that are made of the books."""
    laws = {
        law.name: law
        for table in tables().values()
        if table.is_published and table.name not in FROM_THE_LEDGER
        for law in checks_of(table)
        if law.severity == "critical"
    }
    broken = {name: con.execute(law.select).fetchall() for name, law in laws.items()}
    return {name: rows for name, rows in broken.items() if rows}


def _assert_campaign_roi(found: Figures, expected: Figures) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert [found[key][name] for name in AMOUNTS] == [row[name] for name in AMOUNTS], key
        assert [found[key][name] for name in RATIOS] == pytest.approx([_float(row[name]) for name in RATIOS]), key


def _assert_marketing_share(found: Figures, expected: Figures) -> None:
    assert found.keys() == expected.keys()
    names = ("won_revenue", "won_deals", *MEASURES, *(f"{name}_deals" for name in MEASURES))
    percentages = (*(f"{name}_pct" for name in MEASURES), *(f"{name}_deals_pct" for name in MEASURES), "gap_to_target")
    for key, row in expected.items():
        assert {name: Fraction(found[key][name]) for name in names} == {name: Fraction(row[name]) for name in names}, key
        for name in percentages:
            assert found[key][name] == (None if row[name] is None else pytest.approx(float(row[name]))), (key, name)


def _float(number: Fraction | None) -> Any:
    return None if number is None else float(number)
