"""Ten SIGKILLs of `nisba stream` under load, half of them inside a commit: nothing is lost, nothing is there twice."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from nisba.config import Config
from pipelines.broker.producer import Delivery, Record, records_of
from simulator import simulate
from simulator.noise import Noise
from tests.kafka_node import KafkaNode
from tests.kafka_records import config_with_topics, rows
from tests.streaming_process import (
    assert_same_books,
    at_a_random_moment,
    backfilled,
    caught_up,
    inside_a_commit,
    is_writing,
    settled,
    streaming,
)
from warehouse.connection import open_writer
from warehouse.recompute.verification import verify

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

KILLS = 10
SECONDS_OF_LOAD = 60.0


class Load:
    """Sends records at an even rate in the background, until all are acknowledged."""

    def __init__(self, config: Config, records: list[Record]) -> None:
        self.delivery = Delivery(config.kafka)
        self.records, self.stopped = records, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        step = len(self.records) // int(SECONDS_OF_LOAD * 20) + 1
        for begin in range(0, len(self.records), step):
            for record in self.records[begin : begin + step]:
                self.delivery.send(record)
            self.delivery.producer.poll(0)
            self.stopped.wait(1 / 20)
        self.delivery.finish()

    def __enter__(self) -> Load:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()  # whatever is left goes at once
        self.thread.join(60)


def test_ten_kills_lose_nothing_and_repeat_nothing(node: KafkaNode, tmp_path: Path) -> None:
    events = simulate(11, 450, 540, tmp_path / "events", noise=Noise(oversized=False)).directory
    config, settings = settled(config_with_topics(node.address, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    chance = random.Random(20)
    records = list(records_of(events, config.kafka))
    assert len(records) >= 50_000
    moments: Iterator[Callable[[], Callable[[], bool]]] = cycle([lambda: at_a_random_moment(chance, 4), lambda: inside_a_commit(config)])
    with Load(config, records) as load:
        for number in range(KILLS):
            with streaming(settings, tmp_path / f"stream-{number}.log") as running:
                running.until(lambda: is_writing(config, running), 60)
                running.until(next(moments)(), 60)
                running.kill()
    assert load.delivery.report.records == len(records)
    caught_up(settings, tmp_path / "last.log")
    assert_each_record_counts_once(config, len(records))
    direct = backfilled(config, events, tmp_path / "backfilled.duckdb")
    assert_same_books(config, direct)
    with open_writer(config.warehouse.path) as con:
        assert verify(con, config).differing == 0


def assert_each_record_counts_once(config: Config, sent: int) -> None:
    """Hold the records of all committed cycles, and the offsets, against what was sent."""
    assert rows(config, "SELECT sum(records)::BIGINT FROM ops.cycle WHERE kind = 'ingest'") == [(sent,)]
    assert rows(config, "SELECT sum(next_offset)::BIGINT FROM ops.kafka_offset") == [(sent,)]
    versions = "count(*), count(DISTINCT (source, event_id, content_hash))"
    counting = "count(*) FILTER (superseded_at IS NULL), count(DISTINCT (source, event_id))"
    ((landed, contents, counted, identities),) = rows(config, f"SELECT {versions}, {counting} FROM ledger.touch")
    assert landed == contents > counted == identities > 20_000
