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
from warehouse.query import relations
from warehouse.settings import write_settings

AMOUNTS = ("cost", "revenue", "realized_revenue", "pipeline", "won_deals", "roi_reason")
RATIOS = ("roi", "roas", "realized_roi")


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


def _figures(con: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...]) -> Figures:
    rows = con.execute(f"SELECT * FROM marts.{table}").to_arrow_table().to_pylist()
    return {tuple(row[key] for key in keys): row for row in rows}


@examples(40, of_profile=0.02)  # each builds all the marts
@given(event_sets(), configs())
def test_marts_show_the_oracles_figures(warehouse: duckdb.DuckDBPyConnection, events: list[Event], config: Config) -> None:
    rows = oracle.fold(events, config)
    _built(warehouse, events, rows, config)
    names = named_campaigns(settle(events))
    by_campaign = _figures(warehouse, "campaign_roi", ("period_kind", "period", "campaign_id", "model"))
    _assert_campaign_roi(by_campaign, campaign_roi(rows, config, names))
    _assert_marketing_share(
        _figures(warehouse, "marketing_share", ("period_kind", "period", "segment", "model")), marketing_share(rows, config)
    )


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
