"""What each kind of fact makes dirty: accounts, nodes and campaigns whose figures it may change, and no others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from tests.strategies import Event, event
from tests.unit.warehouse.landing import deal, decoded, empty_warehouse, land_events, touch
from tests.unit.warehouse.recompute.company import COMPANY, TIME, account, adjustment, lead, link, rate, retraction, spend
from warehouse.ledger import land_facts
from warehouse.recompute import invalidation

ACME, BETA, FAR = {"acme", "acme.de"}, {"beta"}, {"far"}


@pytest.fixture(scope="module")
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as con:
        land_events(con, *COMPANY)
        yield con


@pytest.fixture
def con(company: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The company with nothing dirty; what a test lands is undone after it."""
    company.execute("BEGIN")
    invalidation.clear(company)
    yield company
    company.execute("ROLLBACK")


NOW = dt.datetime(2026, 7, 1, tzinfo=dt.timezone.utc)


def land(con: duckdb.DuckDBPyConnection, *events: Event) -> None:
    """Land events and mark what they make dirty, as the loader does, in the transaction of the test."""
    touched = {fact_type: land_facts(con, fact_type, table, NOW).touched for fact_type, table in decoded(events).items()}
    invalidation.invalidate(con, touched, NOW)


def dirty(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    rows = con.execute(f"SELECT {table}_id FROM ops.dirty_{table}").fetchall()
    assert len(rows) == len(set(rows)), "marked twice"
    return {name for (name,) in rows}


CASES: dict[str, tuple[list[Event], set[str]]] = {
    "touch_of_an_account_reaches_its_linked_accounts": ([touch("n-1", account_id="acme.de")], ACME),
    "touch_of_a_person_reaches_its_account": ([touch("n-2", account_id=None, person_id="p-9")], FAR),
    "touch_of_a_person_is_of_no_account_that_another_claimant_of_its_visitor_has": ([touch("n-3", account_id=None, person_id="p-1")], ACME),
    "touch_of_a_visitor_reaches_all_who_claim_it": ([touch("n-4", account_id=None, visitor_id="v-1")], ACME | BETA),
    "touch_of_nobody_known": ([touch("n-5", account_id=None, visitor_id="v-new")], set()),
    "deal_state": ([deal("n-6", deal_id="d-9", account_id="far")], FAR),
    "deal_that_moves_reaches_both_accounts": ([deal("n-7", deal_id="d-2", account_id="other")], BETA | {"other"}),
    "lead_of_a_deal": ([lead("n-8", lead_id="l-9")], FAR),
    "refund": ([adjustment("n-9", "d-9", "a-9")], FAR),
    "refund_that_names_another_deal_reaches_both": ([adjustment("n-10", "d-2", "a-9")], FAR | BETA),
    "retraction_reaches_whom_the_touch_names": ([retraction("t-far")], FAR),
    "retraction_of_a_touch_that_never_came": ([retraction("t-never")], set()),
    "unlink": ([link("n-11", ("account", "acme"), ("account", "acme.de"), "unlink")], ACME),
    "deal_without_an_account_reaches_its_own": ([deal("n-20", deal_id="d-20", account_id=None, contact_ids=["p-20"])], {"deal:d-20"}),
    "contact_of_a_deal_without_an_account": (
        [deal("n-21", deal_id="d-21", account_id=None, contact_ids=["p-9"])],
        FAR | {"deal:d-21"},
    ),
    "deal_that_loses_its_account_reaches_the_one_it_had": ([deal("n-22", deal_id="d-9", account_id=None, revision=1)], FAR | {"deal:d-9"}),
    "name_reaches_all_ids_of_an_account": ([account("n-23", "acme.de")], ACME),
    "name_of_an_account_that_nothing_else_names": ([account("n-24", "new")], {"new"}),
    "membership_that_ends": ([link("n-25", ("person", "p-9"), ("account", "far"), until=TIME)], FAR),
    "cost_is_of_no_account": ([spend("n-12", "c-7", "2026-02-01")], set()),
    "rate_of_the_day_of_a_close": ([rate("n-13", "2026-02-10")], ACME | BETA | FAR),
    "rate_long_before_any_close": ([rate("n-14", "2025-06-01")], set()),
    "duplicates": (list(COMPANY), set()),
}


@pytest.mark.parametrize("name", CASES)
def test_fact_makes_accounts_dirty(con: duckdb.DuckDBPyConnection, name: str) -> None:
    events, accounts = CASES[name]
    land(con, *events)
    assert dirty(con, "account") == accounts


@pytest.mark.parametrize(
    ("fact", "campaigns"),
    [
        (spend("s-1", "c-1", "2026-02-03"), {"c-1"}),
        (spend("s-2", "c-new", "2026-02-03"), {"c-new"}),
        (event("campaign", "ads", "c-e2", TIME, {"campaign_id": "c-2", "name": "Ads", "channel": "paid"}), {"c-2"}),
        (rate("s-3", "2026-01-23"), set()),
        (rate("s-4", "2026-01-24"), {"c-1", "c-2"}),
        (rate("s-5", "2026-02-01"), {"c-1", "c-2"}),
        (rate("s-6", "2026-02-02"), set()),
        (touch("s-7", campaign_id="c-1"), set()),
    ],
)
def test_fact_makes_campaigns_dirty(con: duckdb.DuckDBPyConnection, fact: Event, campaigns: set[str]) -> None:
    """A rate serves its day and seven more, and one more for time zones: 1 February has rates from 24 January on."""
    land(con, fact)
    assert dirty(con, "campaign") == campaigns


def test_campaign_with_costs_of_many_days_near_a_rate_is_dirty_once(con: duckdb.DuckDBPyConnection) -> None:
    land(con, *(spend(f"d-{day}", "c-1", f"2026-02-0{day}") for day in range(2, 6)))
    invalidation.clear(con)
    land(con, rate("d-rate", "2026-02-01"), rate("d-rate-2", "2026-01-31"))
    assert dirty(con, "campaign") == {"c-1", "c-2"}


def test_rate_reaches_a_deal_without_an_account(con: duckdb.DuckDBPyConnection) -> None:
    land(con, deal("n-30", deal_id="d-30", account_id=None, closed_at="2024-05-05T12:00:00Z", opened_at="2024-05-01T12:00:00Z"))
    invalidation.clear(con)
    land(con, rate("n-31", "2024-05-04"))
    assert dirty(con, "account") == {"deal:d-30"}


def test_version_that_was_displaced_makes_its_account_dirty_too() -> None:
    with empty_warehouse() as con:
        land_events(con, touch("t-1", account_id="before"))
        invalidation.clear(con)
        land_events(con, touch("t-1", "2026-05-01T00:00:00Z", account_id="after"))
        assert dirty(con, "account") == {"before", "after"}


def test_contacts_of_a_deal_before_are_dirty_when_a_state_leaves_them_out(con: duckdb.DuckDBPyConnection) -> None:
    """A state that counts no longer takes its links along: p-9 is in no account's books by d-9 alone."""
    land(con, deal("c-9", deal_id="d-9", account_id="far", contact_ids=[]))
    assert ("person", "p-9") in con.execute("SELECT kind, id FROM ops.dirty_node").fetchall()


def test_nodes_that_a_fact_names_are_dirty_once(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(2):
        land(con, touch(f"o-{number}", account_id="far", person_id="p-9", visitor_id="v-9"))
    rows = con.execute("SELECT kind, id FROM ops.dirty_node ORDER BY ALL").fetchall()
    assert rows == [("account", "far"), ("person", "p-9"), ("visitor", "v-9")]
    assert con.execute("SELECT account_id, reason, count(*) FROM ops.dirty_account GROUP BY ALL").fetchall() == [("far", "facts", 1)]


def test_marks_say_when(con: duckdb.DuckDBPyConnection) -> None:
    land(con, touch("w-1", account_id="far"), spend("w-2", "c-1", "2026-02-01"))
    assert (
        con.execute("SELECT marked_at FROM ops.dirty_account UNION ALL SELECT marked_at FROM ops.dirty_campaign").fetchall() == [(NOW,)] * 2
    )


def test_nothing_that_was_touched_marks_nothing(con: duckdb.DuckDBPyConnection) -> None:
    none: dict[str, pa.Table] = {name: table.slice(0, 0) for name, table in decoded(COMPANY).items()}
    for touched in (none, {}):
        invalidation.invalidate(con, touched, NOW)
    assert [dirty(con, table) for table in ("account", "campaign")] == [set(), set()]
    assert con.execute("SELECT count(*) FROM ops.dirty_node").fetchall() == [(0,)]
