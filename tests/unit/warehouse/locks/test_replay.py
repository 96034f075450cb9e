"""Replaying: the ledger as it was gives the rows that were locked, whatever came later; what was changed by hand is found."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import msgspec
import pytest

from nisba.config import Attribution, CustomModel
from nisba.errors import NotFound
from tests.strategies import Event, event
from tests.unit.warehouse.landing import every_row, touch
from tests.unit.warehouse.locks.closing import CONFIG, campaign, closed_books, lands, refund, state
from warehouse.ledger import settle_anew
from warehouse.loader import recording_time
from warehouse.locks.lock import lock
from warehouse.locks.replay import replay
from warehouse.locks.runs import read_runs
from warehouse.query import one_value

QUOTES = [
    event("fx", "bank", f"f-{rate}", f"2026-04-0{day}T00:00:00Z", {"date": "2026-02-10", "base": "EUR", "quote": "USD", "rate": rate})
    for day, rate in ((1, "1.1"), (2, "1.2"))
]
LINK = {"left": {"kind": "account", "id": "acme"}, "right": {"kind": "account", "id": "globex"}, "op": "link"}

LATER: dict[str, list[Event]] = {
    "touch": [touch("t-4", "2026-01-09T00:00:00Z")],
    "corrected_touch": [touch("t-1", "2026-01-06T00:00:01Z", campaign_id="fair", team="sales")],
    "retraction": [event("touch-retraction", "web", "r-1", "2026-04-01T00:00:00Z", {"touch_source": "web", "touch_id": "t-2"})],
    "identity": [touch("t-5", "2026-01-09T00:00:00Z", account_id="globex"), event("identity", "crm", "i-1", "2026-04-01T00:00:00Z", LINK)],
    "amendment": [state("d-1", "2026-03-15T00:00:00Z", amount="90.00", closed_at="2026-02-10T00:00:00Z")],
    "corrected_state": [state("d-1", "2026-02-10T00:00:00Z", amount="70.00") | {"time": "2026-02-10T00:00:01Z"}],
    "reopened": [state("d-1", "2026-03-15T00:00:00Z", "open")],
    "deletion": [state("d-2", "2026-04-01T00:00:00Z", deleted=True)],
    "refund": [refund("r-1", "d-1", "-30.00", "2026-03-20T00:00:00Z")],
    "rate": [state("d-1", "2026-02-10T00:00:00Z", currency="EUR") | {"time": "2026-02-10T00:00:01Z"}, *QUOTES],
    "owner": [campaign("spring", "Cem", "2026-04-01T00:00:00Z"), campaign("fair", None, "2026-04-01T00:00:00Z", same_as="spring")],
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with closed_books() as connection:
        lock(connection, CONFIG, "2026-Q1")
        yield connection


@pytest.mark.parametrize("name", LATER)
def test_what_came_later_changes_nothing(con: duckdb.DuckDBPyConnection, name: str) -> None:
    lands(con, *LATER[name])
    lock(con, CONFIG, "2026-Q2")
    rows = dict(con.execute("SELECT run_id, entries FROM locked.run").fetchall())
    before = every_row(con)
    for run_id in ("2026-Q1-1", "2026-Q2-1"):
        found = replay(con, run_id)
        assert (found.is_same, found.entries, found.differences) == (True, rows[run_id], [])
    assert every_row(con) == before


def test_all_of_it_together_over_many_runs(con: duckdb.DuckDBPyConnection) -> None:
    for number, events in enumerate(LATER.values()):
        lands(con, *events)
        lock(con, CONFIG, ("2026-Q2", "2026-Q1", "2026-Q3")[number % 3])
    assert [replay(con, run.run_id).is_same for run in read_runs(con)] == [True] * (1 + len(LATER))
    assert len({run.content_hash for run in read_runs(con) if run.entries}) > len(LATER) // 2


def test_a_run_is_replayed_by_the_configuration_that_it_was_made_by(con: duckdb.DuckDBPyConnection) -> None:
    own = CustomModel(id="mine", first_touch=Decimal(50), rest=Decimal(50), half_life_days=Decimal("7.5"), teams=("marketing",))
    other = msgspec.structs.replace(
        CONFIG,
        attribution=Attribution(models=("last_touch",), default_model="last_touch", lookback_days=3),
        model=(own,),
        incentive=(),
    )
    lands(con, touch("t-4", "2026-01-09T00:00:00Z"), config=other)
    lock(con, other, "2026-Q2")
    lock(con, other, "2026-Q1")
    assert [replay(con, run.run_id).is_same for run in read_runs(con)] == [True, True, True]


def test_conflicts_that_are_settled_anew_leave_runs_as_they_were(con: duckdb.DuckDBPyConnection) -> None:
    """A new edition of the rules may let another version count; what counted before can still be read back."""
    lands(con, *LATER["corrected_touch"])
    lock(con, CONFIG, "2026-Q1")
    con.execute("UPDATE ledger.touch SET superseded_at = CASE WHEN superseded_at IS NULL THEN recorded_at END WHERE event_id = 't-1'")
    assert settle_anew(con, recording_time(con)) == 1
    assert one_value(con, "SELECT campaign_id FROM ledger.current_touch WHERE event_id = 't-1'") == "fair"
    lands(con)
    assert replay(con, "2026-Q1-1").is_same


def test_rows_that_were_changed_by_hand_are_shown(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE locked.entry SET revenue_reporting = 1 WHERE deal_id = 'd-2' AND touch_id = 't-1' AND model = 'linear'")
    con.execute("UPDATE ledger.deal SET amount = 61 WHERE deal_id = 'd-2'")
    found = replay(con, "2026-Q1-1")
    assert not found.is_same
    sides = {(row["side"], row["model"], row["touch_id"], row["revenue_reporting"]) for row in found.differences}
    assert {row["deal_id"] for row in found.differences} == {"d-2"}
    assert {("locked", "linear", "t-1", 1), ("replayed", "linear", "t-1", Decimal("20.34"))} <= sides
    assert {("locked", "first_touch", "t-1", 60), ("replayed", "first_touch", "t-1", 61)} <= sides


def test_the_hash_is_of_the_rows_in_whatever_order_they_lie(con: duckdb.DuckDBPyConnection) -> None:
    (first,) = read_runs(con)
    con.execute("CREATE TABLE turned AS FROM locked.entry ORDER BY revenue_reporting DESC")
    con.execute("DELETE FROM locked.entry")
    con.execute("INSERT INTO locked.entry FROM turned")
    con.execute("DROP TABLE turned")
    assert replay(con, "2026-Q1-1").content_hash == first.content_hash


def test_an_unknown_run_is_named_beside_those_that_there_are(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match=r"there is no run '2026-Q2-1'; there are: 2026-Q1-1\."):
        replay(con, "2026-Q2-1")
    with closed_books() as unlocked, pytest.raises(NotFound, match="nothing is locked yet; `nisba lock PERIOD` locks a period"):
        replay(unlocked, "2026-Q1-1")
