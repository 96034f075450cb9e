"""The promise, on a real Kafka and through the real pipelines: the same set of events, the same books, whatever happened on the way."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from nisba.config import Config
from pipelines.attribute import attribute
from pipelines.broker.log_source import LogSource
from pipelines.broker.producer import records_of, send_directory
from pipelines.ingest import ingest
from pipelines.stream import Cycle, stream
from simulator import simulate
from simulator.noise import Noise
from tests.kafka_records import Raw, book_hashes, config_with_topics, ledger_hashes, produce
from tests.streaming_process import assert_same_books, backfilled
from tests.unit.adapters.running import converted
from warehouse.connection import open_writer
from warehouse.loader import committed_offsets
from warehouse.recompute.verification import verify

pytestmark = pytest.mark.kafka


def assert_verified(config: Config) -> None:
    with open_writer(config.warehouse.path) as con:
        found = verify(con, config)
    assert found.differing == 0, found.differences
    assert found.rows["credit_line"] > 500


def test_olist_through_kafka_and_by_backfill_gives_the_same_books(kafka: str, tmp_path: Path, sample_data: Path) -> None:
    made = converted("olist", sample_data / "olist", tmp_path / "events")
    config = config_with_topics(kafka, tmp_path / "streamed.duckdb")
    report = send_directory(made.directory, config)
    assert report.refused == []
    cycles: list[Cycle] = []
    assert stream(config, until="caught_up", on_cycle=cycles.append) == len(cycles)
    assert sum(cycle.read.records for cycle in cycles) == report.records > 10_000
    assert sum(cycle.read.dead_letters for cycle in cycles) == 0
    direct = backfilled(config, made.directory, tmp_path / "backfilled.duckdb")
    assert_same_books(config, direct)
    assert_verified(config)


@dataclass
class Journey:
    """One way of events into a warehouse, decided by a seed."""

    config: Config
    chance: random.Random

    def disturbed(self, records: list[Raw]) -> list[list[Raw]]:
        """Shuffle records, repeat a tenth of them, and cut them into batches of random size."""
        many = [*records, *self.chance.sample(records, len(records) // 10)]
        self.chance.shuffle(many)
        cuts = sorted({0, len(many), *self.chance.sample(range(1, len(many)), 14)})
        return [many[begin:end] for begin, end in pairwise(cuts)]

    def go(self, records: list[Raw]) -> int:
        """Send batch after batch; after each one ingest alone, break off, or run whole cycles. Returns how many broke off."""
        broken_off = 0
        for batch in self.disturbed(records):
            produce(self.config, batch)
            what = self.chance.choice(["stream", "ingest", "ingest", "break off", "nothing"])
            if what == "stream":
                stream(self.config, until="caught_up")
            elif what != "nothing":
                with open_writer(self.config.warehouse.path) as con:
                    ingest(con, LogSource(self.config.kafka), self.config)
                    broken_off += what == "break off" and self._break_off(con)
        stream(self.config, until="caught_up")
        return broken_off

    def _break_off(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Attribute, and fail in the transaction that would write the books."""
        with pytest.raises(RuntimeError, match="broken off"):
            attribute(cast("duckdb.DuckDBPyConnection", _FailsAtCommit(con)), self.config)
        return True


class _FailsAtCommit:
    """A connection that breaks at the last moment: at the commit of the books."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)

    def execute(self, sql: str, *arguments: Any) -> Any:
        if sql == "COMMIT":
            self.con.execute("ROLLBACK")
            self.con.execute("BEGIN")  # the loader rolls back once more
            raise RuntimeError("broken off")
        return self.con.execute(sql, *arguments)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_batching_gives_the_books_of_one_backfill(kafka: str, tmp_path: Path, seed: int) -> None:
    events = simulate(seed, 40, 200, tmp_path / "events", noise=Noise(oversized=False)).directory
    config = config_with_topics(kafka, tmp_path / "streamed.duckdb")
    defaults = {here: name for name, here in config.kafka.topics.items()}
    records = [Raw(defaults[r.topic], r.value or b"", r.key, -1, tuple(r.headers)) for r in records_of(events, config.kafka)]
    assert len(records) > 1_500
    assert Journey(config, random.Random(seed)).go(records) > 0
    direct = backfilled(config, events, tmp_path / "backfilled.duckdb")
    assert_same_books(config, direct)
    assert_verified(config)
    before = book_hashes(config), ledger_hashes(config)
    replay_from_the_beginning(config)
    assert (book_hashes(config), ledger_hashes(config)) == before


def replay_from_the_beginning(config: Config) -> None:
    """Forget the offsets and read every record again."""
    with open_writer(config.warehouse.path) as con:
        offsets = committed_offsets(con)
        con.execute("DELETE FROM ops.kafka_offset")
    cycles: list[Cycle] = []
    stream(config, until="caught_up", on_cycle=cycles.append)
    assert sum(cycle.read.records for cycle in cycles) >= sum(offsets.values()) > 1_500
    assert sum(cycle.read.facts for cycle in cycles) == 0
    assert sum(cycle.read.duplicates for cycle in cycles) > 1_500
    with open_writer(config.warehouse.path) as con:
        assert committed_offsets(con) == offsets
