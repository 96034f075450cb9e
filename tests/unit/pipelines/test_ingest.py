"""Ingest: rounds that commit on their own, offsets that follow, and what stops it; from a log in memory into a real warehouse."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from nisba.config import Config
from nisba.errors import BrokerError, OffsetConflict, SourceError, TooManyDeadLetters
from pipelines import ingest as module
from pipelines import parts
from pipelines.circuit_breaker import CircuitBreaker, Outcome
from pipelines.file_source import DirectorySource
from pipelines.ingest import IngestReport, ingest
from pipelines.runner import Runner
from tests.unit.pipelines.events import BROKEN, TOPIC, MemorySource, touches, write_events
from warehouse.loader import committed_offsets


def landed(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [event_id for (event_id,) in con.execute("SELECT event_id FROM ledger.touch ORDER BY ALL").fetchall()]


def small_rounds(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr(module, "ROUND_RECORDS", records)


def test_records_land_with_the_offsets_behind_them(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    source = MemorySource({0: [*touches(1, 2), BROKEN], 1: touches(3), 2: []})
    report = ingest(con, source, config)
    assert report == IngestReport(rounds=1, records=4, facts=3, dead_letters=1)
    assert landed(con) == ["t-1", "t-2", "t-3"]
    assert committed_offsets(con) == {(TOPIC, 0): 3, (TOPIC, 1): 1}
    assert source.acknowledged == [{(TOPIC, 0): 3, (TOPIC, 1): 1}]


def test_unknown_fields_are_counted_with_the_offsets_and_so_never_twice(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    def unknown(*numbers: int) -> list[bytes | None]:
        return [value and value.replace(b'"channel"', b'"gclid":1,"channel"') for value in touches(*numbers)]

    def counts() -> list[tuple[str, str, int]]:
        return con.execute("FROM ops.unknown_field ORDER BY ALL").fetchall()

    ingest(con, MemorySource({0: unknown(1, 2), 1: touches(3)}), config)
    assert counts() == [("nisba.touch.v1", "gclid", 2)]
    ingest(con, MemorySource({0: unknown(1, 2), 1: touches(3)}), config)
    assert counts() == [("nisba.touch.v1", "gclid", 2)], "nothing was new"
    with pytest.raises(BrokerError):
        ingest(con, MemorySource({0: unknown(1, 2, 4)}, failure=BrokerError("away")), config)
    assert counts() == [("nisba.touch.v1", "gclid", 2)]
    ingest(con, MemorySource({0: [*unknown(1, 2, 4), BROKEN]}), config)
    assert counts() == [("nisba.touch.v1", "gclid", 3)]


def test_the_next_run_goes_on_behind_what_is_committed(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    ingest(con, MemorySource({0: touches(1, 2)}), config)
    assert ingest(con, MemorySource({0: touches(1, 2)}), config) == IngestReport()
    assert ingest(con, MemorySource({0: touches(1, 2, 3)}), config) == IngestReport(rounds=1, records=1, facts=1)


def test_identities_that_are_known_land_nothing(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    report = ingest(con, MemorySource({0: touches(1, 2, 1)}), config)
    assert (report.facts, report.duplicates) == (2, 1)
    report = ingest(con, MemorySource({1: touches(2)}), config)
    assert (report.records, report.facts, report.duplicates) == (1, 0, 1)


def test_a_backlog_is_many_rounds_and_each_is_told(con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    small_rounds(monkeypatch, 4)
    told: list[int] = []
    report = ingest(con, MemorySource({0: touches(*range(10))}), config, on_round=lambda report: told.append(report.records))
    assert (report.rounds, report.records, told) == (3, 10, [4, 8, 10])


def test_asked_to_leave_it_ends_between_two_rounds_and_says_so(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_rounds(monkeypatch, 4)
    source = MemorySource({0: touches(*range(10))})
    report = ingest(con, source, config, is_to_leave=lambda: True)
    assert (report.rounds, report.records, report.is_cut_short) == (1, 4, True)
    assert committed_offsets(con) == {(TOPIC, 0): 4}
    assert ingest(con, source, config).records == 6


def test_asked_to_leave_after_the_last_round_it_is_not_cut_short(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    assert not ingest(con, MemorySource({0: touches(1)}), config, is_to_leave=lambda: True).is_cut_short


@pytest.mark.parametrize("error", [BrokerError("away"), SourceError("gone")])
def test_a_round_that_fails_leaves_nothing_behind(
    con: duckdb.DuckDBPyConnection, config: Config, error: SourceError, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_rounds(monkeypatch, 2)
    ingest(con, MemorySource({0: touches(1)}), config)
    failing = MemorySource({0: touches(1, 2, 3, 4)}, failure=error)
    with pytest.raises(type(error), match=str(error)):
        ingest(con, failing, config)
    assert (landed(con), committed_offsets(con)) == (["t-1"], {(TOPIC, 0): 1})
    assert list(parts.work_folder(config.warehouse.path).iterdir()) == []
    assert failing.acknowledged == []


def test_a_round_whose_offsets_somebody_else_committed_writes_nothing(
    con: duckdb.DuckDBPyConnection, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_rounds(monkeypatch, 2)

    def lose_the_race(report: IngestReport) -> None:
        con.execute("UPDATE ops.kafka_offset SET next_offset = 9")

    with pytest.raises(OffsetConflict, match=f"{TOPIC}/0: offset 2 was committed when this cycle began, now it is 9"):
        ingest(con, MemorySource({0: touches(1, 2, 3, 4)}), config, on_round=lose_the_race)
    assert landed(con) == ["t-1", "t-2"]


def test_too_many_dead_letters_stop_it_with_an_example_and_commit_nothing(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    breaker = CircuitBreaker(Decimal(5))
    assert ingest(con, MemorySource({0: touches(*range(30))}), config, breaker=breaker).facts == 30
    remembered = breaker.window.copy()
    with pytest.raises(TooManyDeadLetters, match=rf"^60 of the latest 90 records .* such as {TOPIC}/0/30 \(malformed: "):
        ingest(con, MemorySource({0: [*touches(*range(30)), *[BROKEN] * 60]}), config, breaker=breaker)
    assert breaker.window == remembered
    assert len(remembered) == 1
    assert committed_offsets(con) == {(TOPIC, 0): 30}
    assert con.execute("SELECT count(*) FROM ops.dead_letter").fetchone() == (0,)


def test_circuit_breaker_remembers_what_was_landed(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    breaker = CircuitBreaker(Decimal(5))
    ingest(con, MemorySource({0: [*touches(1, 2), BROKEN]}), config, breaker=breaker)
    ingest(con, MemorySource({1: touches(3)}), config, breaker=breaker)
    assert list(breaker.window) == [Outcome(3, 1), Outcome(1, 0)]


def test_without_a_circuit_breaker_everything_may_be_refused(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    assert ingest(con, MemorySource({0: [BROKEN] * 1_200}), config).dead_letters == 1_200


def test_a_directory_of_empty_files_is_read_and_lands_nothing(con: duckdb.DuckDBPyConnection, config: Config, tmp_path: Path) -> None:
    write_events(tmp_path / "events", "marketing.touch.jsonl", [])
    report = ingest(con, DirectorySource(str(tmp_path / "events")), config)
    assert (report.records, report.facts) == (0, 0)


def test_empty_files_beside_others_hide_nothing(con: duckdb.DuckDBPyConnection, config: Config, tmp_path: Path) -> None:
    write_events(tmp_path / "events", "a.jsonl", [])
    write_events(tmp_path / "events", "b.jsonl", touches(1, 2))
    report = ingest(con, DirectorySource(str(tmp_path / "events")), config, runner=Runner(tasks=2))
    assert (report.records, report.facts) == (2, 2)
    assert committed_offsets(con) == {}


def test_many_tasks_read_what_one_reads(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    source = MemorySource({partition: touches(*range(10 * partition, 10 * partition + 5)) for partition in range(5)}, block_records=2)
    report = ingest(con, source, config, runner=Runner(tasks=3))
    assert (report.records, report.facts) == (25, 25)
    assert committed_offsets(con) == {(TOPIC, partition): 5 for partition in range(5)}


def test_leftovers_of_a_process_that_died_are_removed(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    left = parts.new_run_folder(config.warehouse.path)
    ingest(con, MemorySource({}), config)
    assert not left.exists()
