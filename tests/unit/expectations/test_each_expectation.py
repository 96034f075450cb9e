"""Every expectation holds on sound books, on books of no deals at all, and breaks where it should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.run import check
from expectations.suites import SUITES
from nisba.config import Attribution, Config, Publish
from nisba.errors import CheckFailed
from tests.unit.warehouse.landing import empty_warehouse
from tests.unit.warehouse.small_books import ROWS, books
from warehouse.loader import replace_books
from warehouse.models.build import build
from warehouse.models.publication import prepare
from warehouse.recompute.scope import Scope

CONFIG = Config(attribution=Attribution(models=("linear",), default_model="linear"))
EXPECTED = {expected.name: (suite.table, expected) for suite in SUITES for expected in suite.expected}

# what goes wrong in the tables, and the expectation that must notice
BREAKS = {
    "credits_of_an_entry_add_up_to_it": "UPDATE core.credit_line SET revenue = 50.01 WHERE ordinal = 1",
    "every_entry_is_credited_by_every_model": "DELETE FROM core.credit_line",
    "weights_are_shares": "UPDATE core.credit_line SET weight = if(ordinal = 1, -0.5, 1.5)",
    "weights_of_a_deal_add_up_to_one": "UPDATE core.credit_line SET weight = 0.49999999 WHERE ordinal = 1",
    "credit_is_there_once": "INSERT INTO core.credit_line FROM core.credit_line",
    "final_credit_has_a_date": "UPDATE core.entry SET booked_on = NULL",
    "credit_is_converted": "UPDATE core.credit_line SET revenue_reporting = NULL",
    "deal_is_there_once": "INSERT INTO core.deal FROM core.deal",
    "won_deal_has_amount_and_close": "UPDATE core.deal SET closed_at = NULL",
    "deal_closes_after_it_opens": "UPDATE core.deal SET closed_at = opened_at - INTERVAL 1 DAY",
    "segment_is_not_named_all": "UPDATE core.deal SET segment = 'all'",
    "campaigns_add_up_to_won_revenue": "DELETE FROM marts.campaign_roi WHERE period_kind = 'year'",
    "campaigns_add_up_to_marketing_share": "DELETE FROM marts.marketing_share WHERE period_kind = 'year'",
    "costs_add_up_to_spend": "DELETE FROM marts.campaign_roi WHERE campaign_id = 'c-1'",
    "campaign_is_there_once": "INSERT INTO marts.campaign_roi FROM marts.campaign_roi",
    "roi_or_its_reason": "UPDATE marts.campaign_roi SET roi_reason = NULL",
    "unattributed_revenue_is_not_realized": "UPDATE marts.campaign_roi SET campaign_id = '(unattributed)', realized_revenue = 1",
    "segments_add_up_to_all": "DELETE FROM marts.marketing_share WHERE segment_kind = 'segment'",
    "won_revenue_is_what_was_booked": "DELETE FROM marts.marketing_share WHERE period_kind = 'quarter'",
    "segment_is_there_once": "INSERT INTO marts.marketing_share FROM marts.marketing_share",
    "percentages_follow_from_their_amounts": "UPDATE marts.marketing_share SET influenced_pct = 99",
    "deals_are_nested": "UPDATE marts.marketing_share SET influenced_deals = 0",
    "target_is_reached": "UPDATE marts.marketing_share SET gap_to_target = -1",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        replace_books(connection, scope=Scope(everything=True), books=books(), config=CONFIG)
        build(connection)
        yield connection


def _breaking(con: duckdb.DuckDBPyConnection, name: str) -> int:
    table, expected = EXPECTED[name]
    return len(con.execute(expected.breaking.format(batch=table)).fetchall())


def test_every_expectation_has_a_break_and_a_reason() -> None:
    assert BREAKS.keys() == EXPECTED.keys()
    assert all(expected.reason.endswith(".") for _, expected in EXPECTED.values())


@pytest.mark.parametrize("name", BREAKS)
def test_expectation_holds_until_it_is_broken(con: duckdb.DuckDBPyConnection, name: str) -> None:
    assert _breaking(con, name) == 0
    con.execute(BREAKS[name])
    assert _breaking(con, name) > 0


def test_journey_of_thousands_of_touches_is_not_held_against_its_rounding(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.credit_line")
    con.execute("""
        INSERT INTO core.credit_line
        SELECT 'linear', 'default', 'd-1', touch, 1, (1 / 7958)::DECIMAL(18, 12), 0, 0 FROM range(1, 7958 + 1) AS touches(touch)
    """)
    off = con.execute("SELECT abs(sum(weight) - 1) > 1e-9 FROM core.credit_line").fetchone()
    assert off == (True,)
    assert _breaking(con, "weights_of_a_deal_add_up_to_one") == 0


def test_warehouse_without_deals_passes_every_check(tmp_path: Path) -> None:
    config = Config(attribution=CONFIG.attribution, publish=Publish(directory=str(tmp_path)))
    with empty_warehouse() as made:
        replace_books(made, scope=Scope(everything=True), books=books(**{name: [] for name in ROWS}), config=config)
        build(made)
        report = check(prepare(made, config))
    assert {row["name"] for row in report.results if row["success"]} == EXPECTED.keys()
    assert [row["error"] for row in report.results] == [None] * len(EXPECTED)


def test_file_that_cannot_be_checked_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"longer than 0.01 s; nothing was published"):
        check(tmp_path / "candidate.duckdb", timeout_seconds=0.01)
