"""The ledger is append-only: a version stays as it was landed, one of each identity counts, every earlier state can be read back."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.facts import FACT_TYPES, ledger_schema
from tests.strategies import Event, event, examples, winners
from tests.unit.warehouse.landing import deal, decoded, empty_warehouse, touch
from warehouse.ledger import Landed, land_facts, settle_anew

START = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


@pytest.fixture(scope="module")
def shared() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse for many examples, which empty the tables themselves."""
    with empty_warehouse() as connection:
        yield connection


def at(number: int) -> dt.datetime:
    return START + dt.timedelta(hours=number)


def version(number: int, event_id: str = "t-1", channel: str = "email") -> Event:
    """Return a touch of the identity; the higher its number, the later its time."""
    return touch(event_id, f"2026-01-{number:02}T00:00:00Z", channel=channel)


def landed(con: duckdb.DuckDBPyConnection, events: list[Event], number: int, fact_type: str = "touch") -> Landed:
    """Land events of one type at the hour of that number."""
    return land_facts(con, fact_type, decoded(events)[fact_type], at(number))


@cache
def decoded_version(event_id: str, number: int, channel: str) -> pa.Table:
    return decoded([version(number, event_id, channel)])["touch"]


def versions(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return (day of the content, hour recorded, hour superseded) of all touches."""
    rows = con.execute("SELECT occurred_at, recorded_at, superseded_at FROM ledger.touch ORDER BY event_id, occurred_at").fetchall()
    return [(content.day, *(None if t is None else (t - START) // dt.timedelta(hours=1) for t in times)) for content, *times in rows]


def as_of(con: duckdb.DuckDBPyConnection, instant: dt.datetime) -> list[tuple[Any, ...]]:
    """Return what counted at an instant."""
    names = ", ".join(ledger_schema("touch", provenance=False).names)
    counts = "recorded_at <= $1 AND (superseded_at IS NULL OR superseded_at > $1)"
    return con.execute(f"SELECT {names}, recorded_at FROM ledger.touch WHERE {counts} ORDER BY ALL", [instant]).fetchall()


def current(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    names = ", ".join(ledger_schema("touch", provenance=False).names)
    return con.execute(f"SELECT {names}, recorded_at FROM ledger.current_touch ORDER BY ALL").fetchall()


def test_fact_that_wins_keeps_the_time_at_which_it_was_recorded(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, [version(2)], 0)
    landed(con, [version(1)], 1)
    landed(con, [version(1, channel="webinar")], 2)
    assert versions(con) == [(1, 1, 1), (1, 2, 2), (2, 0, None)]


def test_version_that_loses_says_when(con: duckdb.DuckDBPyConnection) -> None:
    for number in (1, 2, 3):
        landed(con, [version(number)], number)
    assert versions(con) == [(1, 1, 2), (2, 2, 3), (3, 3, None)]
    assert [len(as_of(con, at(number))) for number in range(4)] == [0, 1, 1, 1]
    assert [as_of(con, at(number))[0][2].day for number in (1, 2, 3)] == [1, 2, 3]
    assert as_of(con, at(3) - dt.timedelta(microseconds=1)) == as_of(con, at(2))


def test_versions_of_one_batch_are_settled_within_it(con: duckdb.DuckDBPyConnection) -> None:
    found = landed(con, [version(2), version(3), version(1), version(3), version(1, "t-2")], 0)
    assert (found.facts, found.duplicates, found.conflicts) == (2, 1, 2)
    assert versions(con) == [(1, 0, 0), (2, 0, 0), (3, 0, None), (1, 0, None)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_conflict_has_a_row_per_content_that_lost_in_every_order(con: duckdb.DuckDBPyConnection, order: tuple[int, ...]) -> None:
    found = [landed(con, [version(number)], hour) for hour, number in enumerate(order)]
    assert [(one.facts, one.duplicates, one.conflicts) for one in found] == [(1, 0, 0), (0, 0, 1), (0, 0, 1)]
    noted = con.execute("SELECT fact_type, source, event_id, kept_time, dropped_time FROM ops.conflict ORDER BY dropped_time").fetchall()
    assert [row[:3] for row in noted] == [("touch", "web", "t-1")] * 2
    assert [(kept.day, dropped.day) for *_, kept, dropped in noted] == [(3, 1), (3, 2)]
    assert [row[0] for row in con.execute("SELECT event_id FROM ledger.current_touch").fetchall()] == ["t-1"]


def test_duplicate_of_any_version_is_one_and_touches_nothing(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, [version(1), version(2)], 0)
    landed(con, [version(3)], 1)
    before = versions(con), con.execute("FROM ops.conflict ORDER BY ALL").fetchall()
    found = landed(con, [version(1), version(2), version(3), version(1)], 2)
    assert (found.facts, found.duplicates, found.conflicts, len(found.touched)) == (0, 4, 0, 0)
    assert (versions(con), con.execute("FROM ops.conflict ORDER BY ALL").fetchall()) == before


def test_touched_are_new_contents_and_the_version_that_counted_before(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, [version(1), version(1, "t-9")], 0)
    landed(con, [version(2)], 1)
    found = landed(con, [version(3), version(1), version(1, "t-2")], 2)
    assert sorted((row["event_id"], row["occurred_at"].day) for row in found.touched.to_pylist()) == [("t-1", 2), ("t-1", 3), ("t-2", 1)]
    assert found.touched.column_names == ledger_schema("touch").names


def test_same_id_of_another_source_is_another_identity(con: duckdb.DuckDBPyConnection) -> None:
    found = landed(con, [version(1), version(2) | {"source": "ads"}], 0)
    assert (found.facts, found.conflicts) == (2, 0)


def test_identity_hash_is_that_of_source_and_id(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, [version(1), version(2)], 0)  # by way of a conflict
    landed(con, [version(1, "ünï-2")], 1)  # by way of what is all new
    wrong = "SELECT count(*) FROM ledger.touch WHERE identity_hash IS DISTINCT FROM md5_number_lower(source || chr(31) || event_id)"
    assert con.execute(wrong).fetchall() == [(0,)]


def test_two_identities_with_one_hash_are_not_confused(con: duckdb.DuckDBPyConnection) -> None:
    """The hash finds candidates; source and id decide."""
    first, second = (decoded([version(1, name)])["touch"] for name in ("t-1", "t-2"))
    same = pa.array([7], pa.uint64())
    for hour, table in enumerate((first, second)):
        names = [name for name in table.column_names if name != "identity_hash"]
        found = land_facts(con, "touch", table.select(names).append_column("identity_hash", same), at(hour))
        assert (found.facts, found.conflicts) == (1, 0)
    assert len(current(con)) == 2


def test_a_deal_with_a_list_and_money_is_settled_and_superseded_like_any_fact(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB updates rows with lists in another way than others."""
    landed(con, [deal("e-1", amount="100.00", contact_ids=["p-2", "p-1"])], 0, "deal")
    landed(con, [deal("e-1", amount="100.01", contact_ids=["p-1"])], 1, "deal")
    rows = con.execute("SELECT amount::VARCHAR, contact_ids, recorded_at, superseded_at FROM ledger.deal ORDER BY amount").fetchall()
    assert rows == [("100.000", ["p-2", "p-1"], at(0), at(1)), ("100.010", ["p-1"], at(1), None)]
    assert con.execute("SELECT kept, dropped FROM ops.conflict").fetchall()[0][0].count('"100.01"') == 1


def test_view_of_every_type_has_its_columns_without_the_flag(con: duckdb.DuckDBPyConnection) -> None:
    for fact_type in FACT_TYPES:
        table = [row[0] for row in con.execute(f"DESCRIBE ledger.{fact_type}").fetchall()]
        view = [row[0] for row in con.execute(f"DESCRIBE ledger.current_{fact_type}").fetchall()]
        assert "superseded_at" in table
        assert view == [name for name in table if name != "superseded_at"]
        assert set(ledger_schema(fact_type, provenance=False).names) < set(view)


CONTENTS = st.tuples(st.sampled_from(["t-1", "t-2", "t-3"]), st.integers(1, 3), st.sampled_from(["email", "event"]))


@examples(15, of_profile=0.3)
@given(st.lists(st.lists(CONTENTS, min_size=1, max_size=5), min_size=1, max_size=6))
def test_state_as_of_each_earlier_time_can_be_read_back(shared: duckdb.DuckDBPyConnection, batches: list[list[Any]]) -> None:
    """Whatever the order and the batches: what counted after each of them counts there for ever, recorded when it was."""
    con = shared
    for table in ("ledger.touch", "ops.conflict"):
        con.execute(f"DELETE FROM {table}")
    seen: list[Event] = []
    states = [current(con)]
    for hour, batch in enumerate(batches, 1):
        land_facts(con, "touch", pa.concat_tables([decoded_version(*content) for content in batch]), at(hour))
        seen += [version(number, event_id, channel) for event_id, number, channel in batch]
        states.append(current(con))
        assert sorted((row[1], row[2].day) for row in current(con)) == sorted((e["id"], int(e["time"][8:10])) for e in winners(seen))
    for hour, state in enumerate(states):
        assert as_of(con, at(hour)) == state
    contents = {(event_id, number, channel) for batch in batches for event_id, number, channel in batch}
    counted = "SELECT count(*), count(*) FILTER (superseded_at IS NULL), count(DISTINCT event_id) FROM ledger.touch"
    rows, counting, identities = con.execute(counted).fetchall()[0]
    assert (rows, counting) == (len(contents), identities)
    assert con.execute("SELECT count(*) FROM ops.conflict").fetchall() == [(rows - identities,)]


def test_version_superseded_within_a_failed_transaction_counts_again(con: duckdb.DuckDBPyConnection) -> None:
    landed(con, [version(1)], 0)
    con.execute("BEGIN")
    landed(con, [version(2)], 1)
    con.execute("ROLLBACK")
    assert versions(con) == [(1, 0, None)]


def test_conflict_in_free_form_attributes_alone_is_one(con: duckdb.DuckDBPyConnection) -> None:
    one, other = (
        event("lead-stage", "crm", "l-1", "2026-01-01T00:00:00Z", {"lead_id": "l", "stage": "mql", "attributes": {"score": score}})
        for score in (1, 2)
    )
    found = landed(con, [one, other], 0, "lead_stage")
    assert (found.facts, found.conflicts) == (1, 1)
    assert con.execute("SELECT attributes FROM ledger.current_lead_stage").fetchall() == [('{"score":2}',)]


def spelled(con: duckdb.DuckDBPyConnection, event_id: str, day: int, *channels: str) -> None:
    """Land versions of a touch as an earlier version did, which kept the spelling: the last of them counts."""
    for number, channel in enumerate(channels):
        landed(con, [version(day, f"{event_id}-{number}")], number)
        con.execute(
            "UPDATE ledger.touch SET channel = $2, event_id = $3, content_hash = $4, superseded_at = CASE WHEN $5 THEN $6::TIMESTAMPTZ END,"
            " identity_hash = md5_number_lower(source || chr(31) || $3) WHERE event_id = $1",
            [f"{event_id}-{number}", channel, event_id, number, number < len(channels) - 1, at(number + 1)],
        )


def channels(con: duckdb.DuckDBPyConnection, relation: str = "ledger.current_touch") -> list[str]:
    return [channel for (channel,) in con.execute(f"SELECT channel FROM {relation} ORDER BY ALL").fetchall()]


def test_content_in_another_spelling_is_a_duplicate_of_what_an_earlier_version_landed(con: duckdb.DuckDBPyConnection) -> None:
    spelled(con, "t-1", 3, "Paid  Search")
    found = landed(con, [version(3, channel="paid search")], 5)
    assert (found.facts, found.duplicates, found.conflicts, len(found.touched)) == (0, 1, 0, 0)
    assert channels(con, "ledger.touch") == ["Paid  Search"]
    again = landed(con, [version(3, channel="paid social"), version(3, channel="PAID SEARCH")], 6)
    assert (again.facts, again.duplicates, again.conflicts) == (0, 1, 1)
    assert channels(con) == ["paid social"]
    assert con.execute("SELECT count(*) FROM ops.conflict").fetchall() == [(1,)]


def test_spelling_of_what_lost_is_known_too(con: duckdb.DuckDBPyConnection) -> None:
    spelled(con, "t-1", 3, "Email", "webinar")
    assert landed(con, [version(3, channel="email")], 5).duplicates == 1
    assert channels(con, "ledger.touch") == ["Email", "webinar"]


def test_conflict_that_was_settled_by_an_earlier_form_is_settled_anew(con: duckdb.DuckDBPyConnection) -> None:
    """Z comes before a, and z after it: what counts is what a ledger that begins today would have."""
    spelled(con, "t-1", 3, "Zoom", "ads")
    spelled(con, "t-2", 3, "ads", "email")
    before = as_of(con, at(9))
    assert settle_anew(con, at(10)) == 1
    assert channels(con) == ["Zoom", "email"]
    assert as_of(con, at(9)) == before
    rows = con.execute("SELECT channel, superseded_at, recorded_at FROM ledger.touch WHERE event_id = 't-1' ORDER BY ALL").fetchall()
    assert rows == [("Zoom", None, at(10)), ("ads", at(10), at(1))]
    kept = con.execute("SELECT event_id, kept, dropped FROM ops.conflict").fetchall()
    assert [(one, '"channel":"zoom"' in kept, '"channel":"ads"' in dropped) for one, kept, dropped in kept] == [("t-1", True, True)]
    assert settle_anew(con, at(11)) == 0
    assert as_of(con, at(12)) == as_of(con, at(10))


def test_version_that_the_door_refuses_today_gives_way(con: duckdb.DuckDBPyConnection) -> None:
    spelled(con, "t-1", 3, "email", "zoom")
    con.execute("UPDATE ledger.touch SET occurred_at = '2200-01-01T00:00:00Z' WHERE channel = 'zoom'")
    assert settle_anew(con, at(10)) == 1
    assert channels(con) == ["email"]
    spelled(con, "t-2", 3, "all")
    assert landed(con, [version(2, "t-2", "ads")], 11).conflicts == 1
    assert channels(con) == ["ads", "email"]
