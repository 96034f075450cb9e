"""Landing: each identity once, conflicts by content, offsets only from where the batch began, all of it or nothing."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.errors import OffsetConflict
from schemas.decoder import decode_block
from schemas.unknown import UNKNOWN_FIELD_SCHEMA
from tests.strategies import Event, block_of, event_sets, examples
from tests.unit.warehouse.landing import attribute, contents, deal, decoded, empty_warehouse, every_row, touch
from warehouse.loader import LandCounts, OffsetRange, committed_offsets, land
from warehouse.recompute import invalidation

FIRST = OffsetRange("nisba.touches", 3, None, 100)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def _land(con: duckdb.DuckDBPyConnection, *events: Event, offsets: Sequence[OffsetRange] = ()) -> LandCounts:
    return land(con, facts=decoded(events), dead_letters=None, offsets=offsets, records=len(events))


def _dead_letters() -> pa.Table:
    return decode_block(block_of("nisba.touches", [(b"k", b"not json"), (b"k", b"{}")])).dead_letters


def test_duplicates_are_counted_within_a_batch_and_against_the_ledger(con: duckdb.DuckDBPyConnection) -> None:
    assert _land(con, touch("t-1"), touch("t-1"), touch("t-2")) == LandCounts(records=3, facts=2, duplicates=1)
    assert _land(con, touch("t-2"), touch("t-3")) == LandCounts(records=2, facts=1, duplicates=1)
    assert con.execute("SELECT event_id FROM ledger.touch ORDER BY ALL").fetchall() == [("t-1",), ("t-2",), ("t-3",)]


def test_one_id_of_two_sources_or_types_is_two_facts(con: duckdb.DuckDBPyConnection) -> None:
    other = touch("e-1") | {"source": "ads"}
    assert _land(con, touch("e-1"), other, deal("e-1")).facts == 3


def test_later_time_wins_a_conflict_and_both_contents_are_kept(con: duckdb.DuckDBPyConnection) -> None:
    _land(con, touch("t-1", "2026-01-02T00:00:00Z", channel="email"))
    assert _land(con, touch("t-1", "2026-01-01T00:00:00Z", channel="webinar")) == LandCounts(records=1, conflicts=1)
    assert con.execute("SELECT channel FROM ledger.current_touch").fetchall() == [("email",)]
    found = con.execute("SELECT fact_type, source, event_id, kept, dropped FROM ops.conflict").fetchall()
    assert [row[:3] for row in found] == [("touch", "web", "t-1")]
    assert '"channel":"email"' in found[0][3]
    assert '"channel":"webinar"' in found[0][4]


def test_content_that_lost_before_is_a_duplicate_when_it_comes_again(con: duckdb.DuckDBPyConnection) -> None:
    early, late = touch("t-1", "2026-01-01T00:00:00Z"), touch("t-1", "2026-01-02T00:00:00Z")
    _land(con, early, late)
    before = contents(con)
    assert _land(con, early, late, early) == LandCounts(records=3, duplicates=3)
    assert contents(con) == before


@examples(6, of_profile=0.01)  # a second each
@given(event_sets(), st.integers(0, 2**32), st.integers(1, 5))
def test_ledger_and_conflicts_do_not_depend_on_order_batches_or_repetition(events: list[Event], seed: int, batches: int) -> None:
    dice = random.Random(seed)
    again = [*events, *dice.sample(events, len(events) // 3)]
    dice.shuffle(again)
    with empty_warehouse() as once, empty_warehouse() as many:
        whole = _land(once, *events)
        parts = [_land(many, *again[number::batches]) for number in range(batches)]
        assert contents(many) == contents(once)
        assert sum(part.facts for part in parts) == whole.facts
        assert sum(part.conflicts for part in parts) == whole.conflicts
        assert sum(part.duplicates for part in parts) == whole.duplicates + len(again) - len(events)


def test_ledger_holds_each_identity_once(con: duckdb.DuckDBPyConnection) -> None:
    versions = [touch("t-1", channel=channel) for channel in ("email", "webinar", "organic", "event")]
    assert _land(con, *versions) == LandCounts(records=4, facts=1, conflicts=3)
    assert con.execute("SELECT channel FROM ledger.current_touch").fetchall() == [("webinar",)]  # the largest canonical form
    assert con.execute("SELECT count(*), count(DISTINCT kept) FROM ops.conflict").fetchone() == (3, 1)


def test_offsets_move_only_from_where_the_batch_began(con: duckdb.DuckDBPyConnection) -> None:
    _land(con, touch("t-1"), offsets=[FIRST])
    _land(con, touch("t-2"), offsets=[OffsetRange("nisba.touches", 3, 100, 107), OffsetRange("nisba.touches", 4, None, 5)])
    assert committed_offsets(con) == {("nisba.touches", 3): 107, ("nisba.touches", 4): 5}


@pytest.mark.parametrize("expected", [None, 99, 101])
def test_offsets_that_another_committed_write_nothing(con: duckdb.DuckDBPyConnection, expected: int | None) -> None:
    _land(con, touch("t-1"), offsets=[FIRST])
    before = every_row(con)
    with pytest.raises(OffsetConflict, match=r"nisba.touches/3.*100.*start the cycle again"):
        _land(con, touch("t-2"), offsets=[OffsetRange("nisba.deals", 0, None, 1), OffsetRange("nisba.touches", 3, expected, 120)])
    assert every_row(con) == before


def test_batch_that_was_committed_twice_lands_once(con: duckdb.DuckDBPyConnection) -> None:
    """A process killed after its commit knows nothing of it: the same batch comes again."""
    _land(con, touch("t-1"), offsets=[FIRST])
    with pytest.raises(OffsetConflict):
        _land(con, touch("t-1"), offsets=[FIRST])
    assert con.execute("SELECT count(*) FROM ledger.touch").fetchone() == (1,)


def test_dead_letters_of_a_file_read_twice_are_there_once(con: duckdb.DuckDBPyConnection) -> None:
    first = land(con, facts={}, dead_letters=_dead_letters(), offsets=[], records=2)
    again = land(con, facts={}, dead_letters=_dead_letters(), offsets=[], records=2)
    assert (first.dead_letters, again.dead_letters) == (2, 0)
    rows = con.execute("SELECT topic, kafka_offset, value, attempt FROM ops.dead_letter ORDER BY kafka_offset").fetchall()
    assert rows == [("nisba.touches", 0, b"not json", 0), ("nisba.touches", 1, b"{}", 0)]


def _unknown(*rows: tuple[str, str, int]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(UNKNOWN_FIELD_SCHEMA.names, row, strict=True)) for row in rows], UNKNOWN_FIELD_SCHEMA)


def test_unknown_fields_add_up_by_type_and_name(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = _unknown(("nisba.touch.v1", "gclid", 2), ("nisba.deal.v1", "gclid", 1), ("nisba.touch.v1", "gclid", 5))
    part = tmp_path / "unknown_field-1.arrow"
    with pa.ipc.new_file(str(part), UNKNOWN_FIELD_SCHEMA) as file:
        file.write_table(_unknown(("nisba.touch.v1", "gclid", 10), ("nisba.touch.v1", "owner", 1)))
    for counted in (first, [part], [], None):
        land(con, facts={}, dead_letters=None, offsets=[], unknown_fields=counted)
    assert con.execute("FROM ops.unknown_field ORDER BY ALL").fetchall() == [
        ("nisba.deal.v1", "gclid", 1),
        ("nisba.touch.v1", "gclid", 17),
        ("nisba.touch.v1", "owner", 1),
    ]


def test_unknown_fields_of_offsets_that_were_read_already_do_not_count(con: duckdb.DuckDBPyConnection) -> None:
    counted = _unknown(("nisba.touch.v1", "gclid", 2))
    land(con, facts={}, dead_letters=None, offsets=[FIRST], unknown_fields=counted)
    with pytest.raises(OffsetConflict):
        land(con, facts={}, dead_letters=None, offsets=[FIRST], unknown_fields=counted)
    assert con.execute("FROM ops.unknown_field").fetchall() == [("nisba.touch.v1", "gclid", 2)]


def test_failure_at_the_end_of_landing_leaves_nothing(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    _land(con, touch("t-1"), offsets=[FIRST])
    before = every_row(con)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(invalidation, "invalidate", fail)
    with pytest.raises(KeyboardInterrupt):
        land(
            con,
            facts=decoded([touch("t-1", channel="webinar"), touch("t-2"), deal("e-1")]),
            dead_letters=_dead_letters(),
            offsets=[OffsetRange("nisba.touches", 3, 100, 120)],
            unknown_fields=_unknown(("nisba.touch.v1", "gclid", 2)),
        )
    assert every_row(con) == before
    monkeypatch.undo()
    assert _land(con, touch("t-2"), offsets=[OffsetRange("nisba.touches", 3, 100, 120)]).facts == 1


def test_facts_come_from_files_as_from_tables(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = []
    for number, events in enumerate([[touch("t-1"), touch("t-2")], [touch("t-2"), touch("t-3", channel="event")]]):
        table = decoded(events)["touch"]
        paths.append(tmp_path / f"part-{number}.arrow")
        with pa.ipc.new_file(str(paths[-1]), table.schema) as file:
            file.write_table(table)
    counts = land(con, facts={"touch": paths, "deal": []}, dead_letters=[], offsets=[], records=4)
    assert counts == LandCounts(records=4, facts=3, duplicates=1)


def test_cycle_is_noted_with_its_counts(con: duckdb.DuckDBPyConnection) -> None:
    _land(con, touch("t-1"), touch("t-1"))
    noted = con.execute("SELECT cycle_no, kind, records, facts, duplicates, conflicts, dead_letters FROM ops.cycle").fetchall()
    assert noted == [(1, "ingest", 2, 1, 1, 0, 0)]


def test_touch_makes_its_account_dirty_and_a_duplicate_does_not(con: duckdb.DuckDBPyConnection) -> None:
    _land(con, touch("t-1"))
    assert con.execute("SELECT account_id FROM ops.dirty_account").fetchall() == [("acme",)]
    invalidation.clear(con)
    _land(con, touch("t-1"))
    assert con.execute("SELECT account_id FROM ops.dirty_account").fetchall() == []


def test_batch_is_recorded_when_its_cycle_is(con: duckdb.DuckDBPyConnection) -> None:
    before = dt.datetime.now(dt.timezone.utc)
    _land(con, touch("t-1"), deal("e-1"), offsets=[FIRST])
    columns = {
        "ledger.touch": "recorded_at",
        "ledger.deal": "recorded_at",
        "ops.cycle": "started_at",
        "ops.kafka_offset": "committed_at",
        "ops.dirty_account": "marked_at",
    }
    times = {time for table, column in columns.items() for (time,) in con.execute(f"SELECT {column} FROM {table}").fetchall()}
    assert len(times) == 1
    assert before <= times.pop() <= dt.datetime.now(dt.timezone.utc)


def test_recorded_time_goes_on_when_the_clock_goes_back(con: duckdb.DuckDBPyConnection) -> None:
    """Else a state that was cut off at a recorded time would change after it was read."""
    ahead = dt.datetime(2999, 1, 1, tzinfo=dt.timezone.utc)
    con.execute("INSERT INTO ops.cycle (cycle_no, kind, started_at) VALUES (0, 'ingest', ?)", [ahead])
    _land(con, touch("t-1"))
    _land(con, touch("t-1", "2026-05-01T00:00:00Z"))
    microsecond = dt.timedelta(microseconds=1)
    rows = con.execute("SELECT recorded_at, superseded_at FROM ledger.touch ORDER BY recorded_at").fetchall()
    assert rows == [(ahead + microsecond, ahead + 2 * microsecond), (ahead + 2 * microsecond, None)]
    attribute(con)
    cycles = con.execute("SELECT kind, started_at, seconds >= 0 FROM ops.cycle WHERE cycle_no > 0 ORDER BY cycle_no").fetchall()
    assert cycles == [(kind, ahead + number * microsecond, True) for number, kind in enumerate(("ingest", "ingest", "attribute"), 1)]


def test_two_batches_are_never_recorded_at_one_time(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(5):
        _land(con, touch(f"t-{number}"))
    times = [time for (time,) in con.execute("SELECT started_at FROM ops.cycle ORDER BY cycle_no").fetchall()]
    assert times == sorted(set(times))


def test_books_that_fail_at_the_end_leave_the_old_ones(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    _land(con, touch("t-1"), deal("e-1"))
    attribute(con)
    _land(con, touch("t-2", channel="event"))
    before = every_row(con)

    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(invalidation, "clear", fail)
    with pytest.raises(KeyboardInterrupt):
        attribute(con)
    assert every_row(con) == before
    monkeypatch.undo()
    assert attribute(con) is not None
    assert attribute(con) is None
    assert con.execute("SELECT touch_id FROM core.journey_touch ORDER BY ALL").fetchall() == [("t-1",), ("t-2",)]


def test_landing_leaves_no_name_behind_on_the_connection(con: duckdb.DuckDBPyConnection) -> None:
    """What a function selected is a value: nothing waits on the connection for whoever comes next."""
    _land(con, touch("t-1", person_id="p"), touch("t-1", channel="event"), deal("e-1"))
    attribute(con)
    _land(con, touch("t-2"))
    attribute(con)
    tables = "SELECT table_name FROM duckdb_tables() WHERE temporary"
    views = "SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal"
    assert con.execute(f"{tables} UNION ALL {views}").fetchall() == []


def test_batch_without_anything_moves_offsets_alone(con: duckdb.DuckDBPyConnection) -> None:
    counts = land(con, facts={}, dead_letters=None, offsets=[FIRST], records=100)
    assert counts == LandCounts(records=100)
    assert committed_offsets(con) == {("nisba.touches", 3): 100}
    assert con.execute("SELECT records, facts FROM ops.cycle").fetchall() == [(100, 0)]
