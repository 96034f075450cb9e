"""A broker that loses power while `nisba stream` reads from it: the stream waits, and goes on where it was."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.kafka_node import KafkaNode
from tests.kafka_records import config_with_topics, produce, rows, touch, won_deal
from tests.streaming_process import StreamingProcess, is_writing, settled, streaming

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def _has_read(running: StreamingProcess, records: int) -> bool:
    return running.records == records


def test_stream_goes_on_after_the_broker_was_killed(node: KafkaNode, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(node.address, tmp_path / "warehouse.duckdb", timeout_seconds=2), tmp_path / "nisba.toml")
    produce(config, [touch(number) for number in range(1_000)])
    with streaming(settings, tmp_path / "stream.log") as running:
        running.until(lambda: running.records == 1_000)
        for turn in range(1, 3):
            node.kill()
            node.start()
            produce(config, [touch(number) for number in range(turn * 1_000, (turn + 1) * 1_000)])
            running.until(partial(_has_read, running, (turn + 1) * 1_000), 120)
        produce(config, [won_deal(1)])
        running.until(lambda: running.records == 3_001)
        assert running.stop() == 0
    assert rows(config, "SELECT count(*), count(DISTINCT event_id) FROM ledger.touch") == [(3_000, 3_000)]
    assert rows(config, "SELECT sum(next_offset)::BIGINT FROM ops.kafka_offset") == [(3_001,)]
    assert rows(config, "SELECT sum(revenue)::VARCHAR FROM core.credit WHERE model = 'linear'") == [("100.010",)]


def test_broker_killed_in_the_middle_of_a_backlog(node: KafkaNode, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(node.address, tmp_path / "warehouse.duckdb", timeout_seconds=2), tmp_path / "nisba.toml")
    produce(config, [touch(0)])
    with streaming(settings, tmp_path / "stream.log") as running:
        running.until(lambda: running.records == 1)
        produce(config, [touch(number) for number in range(1, 60_000)])
        running.until(lambda: is_writing(config, running))
        node.kill()
        node.start()
        running.until(lambda: running.records == 60_000, 180)
        assert running.stop() == 0
    assert rows(config, "SELECT count(*), count(DISTINCT event_id) FROM ledger.touch") == [(60_000, 60_000)]
