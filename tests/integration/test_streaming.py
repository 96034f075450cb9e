"""The stream beside others: it lets a waiting writer go first, shares a warehouse with another stream, and stops with a sentence."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from pipelines.broker.client import topic_name
from pipelines.stream import Cycle, stream
from tests.kafka_records import config_with_topics, produce, rows, touch, won_deal
from tests.streaming_process import StreamingProcess, settled, streaming
from warehouse.connection import is_wanted, open_writer

pytestmark = pytest.mark.kafka


def have_read(processes: list[StreamingProcess], records: int) -> bool:
    return sum(process.records for process in processes) == records


def test_caught_up_means_nothing_to_read_and_nothing_dirty(kafka: str, tmp_path: Path) -> None:
    config, _ = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [*(touch(number) for number in range(300)), *(won_deal(number) for number in range(20))])
    cycles: list[Cycle] = []
    assert stream(config, until="caught_up", on_cycle=cycles.append) == len(cycles) == 1
    assert (cycles[0].read.records, cycles[0].read.facts, cycles[0].made.deals) == (320, 320, 20)
    assert str(cycles[0]).startswith("cycle 1: 320 records, 320 facts; all accounts, 20 deals, ")
    won = "SELECT sum(won_deals)::INTEGER FROM marts.marketing_share WHERE period_kind = 'year' AND model = 'linear' AND segment = 'all'"
    assert rows(config, won) == [(20,)]
    assert rows(config, "SELECT count(*) FROM ops.dirty_account") == [(0,)]


def test_late_touch_dirties_only_its_account(kafka: str, tmp_path: Path) -> None:
    config, _ = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [*(touch(number) for number in range(300)), *(won_deal(number) for number in range(20))])
    stream(config, until="caught_up")
    produce(config, [touch(301, campaign_id="late")])
    cycles: list[Cycle] = []
    stream(config, until="caught_up", on_cycle=cycles.append)
    assert [(cycle.read.records, cycle.made.everything, cycle.made.accounts, cycle.made.deals) for cycle in cycles] == [(1, False, 1, 1)]
    credited = "SELECT count(DISTINCT deal_id), sum(revenue) > 0 FROM core.credit WHERE model = 'linear' AND campaign_id = 'late'"
    assert rows(config, credited) == [(1, True)]


def test_waiting_writer_gets_its_turn_and_the_stream_goes_on(kafka: str, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [touch(number) for number in range(200)])
    with streaming(settings, tmp_path / "stream.log") as running:
        running.until(lambda: running.records == 200)
        for turn in range(1, 6):
            produce(config, [touch(turn * 1_000 + number) for number in range(200)])
            started = time.monotonic()
            with open_writer(config.warehouse.path, wait_seconds=20) as con:
                assert con.execute("SELECT count(*) >= 200 FROM ledger.touch").fetchone() == (True,)
                assert not is_wanted(config.warehouse.path) or time.monotonic() - started < 20
        running.until(lambda: running.records == 1_200)
        assert running.stop() == 0
    assert rows(config, "SELECT count(*) FROM ledger.touch") == [(1_200,)]


def test_two_streams_share_a_warehouse(kafka: str, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    with streaming(settings, tmp_path / "one.log") as one, streaming(settings, tmp_path / "two.log") as two:
        for turn in range(10):
            produce(config, [touch(turn * 500 + number) for number in range(500)])
            one.until(partial(have_read, [one, two], (turn + 1) * 500))
        assert one.stop() == 0
        assert two.stop() == 0
    assert rows(config, "SELECT count(*), count(DISTINCT event_id) FROM ledger.touch") == [(5_000, 5_000)]
    assert rows(config, "SELECT sum(records)::INTEGER FROM ops.cycle WHERE kind = 'ingest'") == [(5_000,)]


def test_drained_topic_ends_the_command_with_one_sentence(kafka: str, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [touch(number)._replace(value=b"{broken") for number in range(1_200)])
    log = tmp_path / "stream.log"
    with streaming(settings, log, "--until-caught-up") as running:
        assert running.process.wait(60) == 1
    (said,) = [line for line in log.read_text().splitlines() if "Error:" in line]
    assert "records are dead letters, more than 5 %" in said
    assert rows(config, "SELECT count(*) FROM ops.kafka_offset") == [(0,)]


def test_lost_offsets_stop_the_stream_until_it_is_told_to_go_on_behind_them(kafka: str, tmp_path: Path) -> None:
    config, settings = settled(config_with_topics(kafka, tmp_path / "warehouse.duckdb"), tmp_path / "nisba.toml")
    produce(config, [touch(number)._replace(partition=0) for number in range(10)])
    stream(config, until="caught_up")
    produce(config, [touch(number)._replace(partition=0) for number in range(10, 20)])
    name = topic_name(config.kafka, "marketing.touch")
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(name, 0, 15)]).values():
        future.result()
    log = tmp_path / "stream.log"
    with streaming(settings, log, "--until-caught-up") as running:
        assert running.process.wait(60) == 1
    assert f"Error: {name}/0: offsets 10 to 14 (5 records) were deleted by retention before they were read" in log.read_text()
    with streaming(settings, log, "--until-caught-up", "--skip-lost") as running:
        assert running.process.wait(60) == 0
    landed = rows(config, "SELECT event_id FROM ledger.touch ORDER BY event_id[3:]::INTEGER")
    assert landed == [(f"t-{number}",) for number in (*range(10), *range(15, 20))]
    assert rows(config, "SELECT next_offset FROM ops.kafka_offset") == [(20,)]
