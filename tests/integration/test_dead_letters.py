"""Dead letters on a real Kafka: nothing is lost, nothing blocks, nothing is drained, and what is replayed is what was sent."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from nisba.cli import cli
from nisba.config import Config
from nisba.errors import TooManyDeadLetters
from pipelines.broker.log_source import LogSource
from pipelines.broker.topics import topic_name
from pipelines.ingest import ingest
from pipelines.stream import stream
from schemas.encoding import encode_event
from schemas.topics import dlq_of
from tests.kafka_records import Raw, config_with_topics, produce, rows, touch, until, write_settings
from warehouse.connection import open_writer

pytestmark = pytest.mark.kafka

TOUCH = "marketing.touch"
LIMIT_BYTES = 4_096


@pytest.fixture
def config(kafka: str, tmp_path: Path) -> Config:
    return config_with_topics(kafka, tmp_path / "warehouse.duckdb", max_record_bytes=LIMIT_BYTES)


def edited(record: Raw, old: bytes, new: bytes) -> Raw:
    assert old in record.value
    return record._replace(value=record.value.replace(old, new))


def bad(number: int) -> tuple[str, Raw]:
    """Return one of eight kinds of records that are no events, with the class that it belongs to."""
    good = touch(number, accounts=49)
    self_link = {"op": "link", "left": {"kind": "person", "id": f"p-{number}"}, "right": {"kind": "person", "id": f"p-{number}"}}
    key, value = encode_event("nisba.identity.v1", f"i-{number}", "cdp", "2026-01-01T00:00:00Z", self_link)
    kinds = [
        ("malformed", good._replace(value=good.value[:-9])),
        ("malformed", good._replace(value=b"\xff\xfe" + good.value)),
        ("malformed", good._replace(value=b"[" * 3_000)),
        ("schema", edited(good, b'"channel":"email",', b"")),
        ("schema", edited(good, b':00Z"', b':00"')),
        ("unknown_type", edited(good, b"nisba.touch.v1", b"nisba.touch.v9")),
        ("oversized", edited(good, b'"email"', b'"' + b"e" * LIMIT_BYTES + b'"')),
        ("semantic", Raw("identity", value, key)),
    ]
    return kinds[number // 50 % len(kinds)]


def letters(config: Config) -> list[tuple[Any, ...]]:
    return rows(config, "SELECT topic, kafka_partition, kafka_offset, error_class, key, value, attempt FROM ops.dead_letter ORDER BY ALL")


def test_malformed_records_become_dead_letters_and_everything_else_lands(config: Config) -> None:
    expected = {number: bad(number) for number in range(0, 10_000, 50)}
    produce(config, [expected[number][1] if number in expected else touch(number, accounts=49) for number in range(10_000)])
    stream(config, until="caught_up")
    found = letters(config)
    assert Counter(row[3] for row in found) == Counter(error_class for error_class, _ in expected.values())
    assert Counter(row[3] for row in found) == {"malformed": 75, "schema": 50, "unknown_type": 25, "oversized": 25, "semantic": 25}
    sent = {(topic_name(config.kafka, r.topic), r.key, r.value): error_class for error_class, r in expected.values()}
    assert {(topic, key, value): error_class for topic, _, _, error_class, key, value, _ in found} == sent
    ids = {f"t-{number}" for number in range(10_000) if number not in expected}
    assert {event_id for (event_id,) in rows(config, "SELECT event_id FROM ledger.touch")} == ids
    assert rows(config, "SELECT count(*) FROM ledger.touch") == [(9_800,)]
    assert rows(config, "SELECT sum(next_offset)::BIGINT FROM ops.kafka_offset") == [(10_000,)]
    assert LogSource(config.kafka).plan(committed(config)) == []


def committed(config: Config) -> dict[tuple[str, int], int]:
    found = rows(config, "SELECT topic, kafka_partition, next_offset FROM ops.kafka_offset")
    return {(topic, partition): following for topic, partition, following in found}


def test_too_many_dead_letters_stop_the_stream_and_commit_nothing_of_the_round(config: Config) -> None:
    produce(config, [touch(number) for number in range(500)])
    stream(config, until="caught_up")
    before = committed(config)
    assert sum(before.values()) == 500
    produce(config, [touch(number, accounts=1) for number in range(500, 1_440)])
    produce(config, [touch(number, accounts=1)._replace(value=b"{broken") for number in range(60)])
    with pytest.raises(
        TooManyDeadLetters,
        match=r"of the latest \d+ records are dead letters, more than 5 %, such as t\w+\.marketing\.touch/\d+/\d+ \(malformed: ",
    ):
        stream(config, until="caught_up")
    assert committed(config) == before
    assert letters(config) == []
    assert rows(config, "SELECT count(*) FROM ledger.touch") == [(500,)]


def test_a_few_dead_letters_of_few_records_stop_nobody(config: Config) -> None:
    produce(config, [touch(number, accounts=1) for number in range(30)])
    produce(config, [touch(number, accounts=1)._replace(value=b"{broken") for number in range(30)])
    stream(config, until="caught_up")
    assert len(letters(config)) == 30


def test_a_higher_limit_lets_them_pass(config: Config, kafka: str, tmp_path: Path) -> None:
    tolerant = config_with_topics(kafka, tmp_path / "tolerant.duckdb", dead_letter_limit_pct=100)
    produce(tolerant, [Raw(TOUCH, b"{broken", b"k")] * 1_500)
    stream(tolerant, until="caught_up")
    assert len(letters(tolerant)) == 1_500


def run(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="nisba")
    assert result.exit_code == 0, result.output
    return result.stdout


def headers_of(config: Config) -> list[tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes]] | None]]:
    """Return (partition, offset, key, value, headers) of every touch record, as any consumer sees it."""
    source = LogSource(config.kafka)
    blocks = [block.records for spans in source.rounds({}, 1_000_000) for block in source.read(spans)]
    columns = ((b.partition, *row) for b in blocks for row in zip(b.offsets, b.keys, b.values, b.headers, strict=True))
    return sorted(columns, key=lambda row: row[:2])


def test_replay_keeps_bytes_key_and_partition_counts_attempts_and_parks_after_three(config: Config, tmp_path: Path) -> None:
    settings = write_settings(config, tmp_path / "nisba.toml")
    value = b'{"type":"nisba.touch.v9","id":"\xc3\xa9"}'
    produce(config, [Raw(TOUCH, value, b"acme", 7, (("trace", b"\x00\x01"),)), touch(1)])
    for attempt in range(4):
        stream(config, until="caught_up")
        assert [row[1:] for row in letters(config)] == [
            (7, number, "unknown_type", b"acme", value, number) for number in range(min(attempt, 3) + 1)
        ]
        said = run("dead-letters", "replay", "--class", "unknown_type", "--config", settings)
        assert said.startswith("Replayed 1; 0 stay parked." if attempt < 3 else "Replayed 0; 1 stay parked.")
    records = [row for row in headers_of(config) if row[0] == 7 and row[3] == value]
    assert [(partition, offset, key) for partition, offset, key, _, _ in records] == [(7, number, b"acme") for number in range(4)]
    assert [headers for *_, headers in records] == [
        [("trace", b"\x00\x01"), *([("replay.attempt", b"%d" % number)] if number else [])] for number in range(4)
    ]
    assert rows(config, "SELECT count(*) FROM ledger.touch") == [(1,)]


def test_list_and_show_name_what_was_refused(config: Config, tmp_path: Path) -> None:
    settings = write_settings(config, tmp_path / "nisba.toml")
    produce(config, [edited(touch(1), b'"channel":"email",', b"")._replace(partition=4)])
    stream(config, until="caught_up")
    place = f"{topic_name(config.kafka, TOUCH)}/4/0"
    assert "$.data" in run("dead-letters", "list", "--class", "schema", "--json", "--config", settings)
    assert "nisba.touch.v1" in run("dead-letters", "show", place, "--config", settings)


def read_dlq(config: Config, count: int) -> list[Message]:
    """Read the dead letter topic of touches, as any consumer would."""
    name = dlq_of(topic_name(config.kafka, TOUCH))
    consumer = Consumer({"bootstrap.servers": config.kafka.bootstrap_servers, "group.id": "reader", "enable.partition.eof": True})
    consumer.assign([TopicPartition(name, 0, 0)])
    found: list[Message] = []

    def is_at_end() -> bool:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message)
        return message is not None and message.error() is not None

    until(is_at_end)
    consumer.close()
    assert len(found) == count
    return found


def test_dead_letters_are_published_once_with_their_story(config: Config) -> None:
    broken = [Raw(TOUCH, b"{broken-%d" % number, b"k", 5, (("trace", b"\x01"),)) for number in range(3)]
    produce(config, broken)
    stream(config, until="caught_up")
    produce(config, [touch(1)])
    stream(config, until="caught_up")
    place = f"{topic_name(config.kafka, TOUCH)}/5/"
    messages = read_dlq(config, 3)
    assert [(m.key(), m.value()) for m in messages] == [(f"{place}{n}".encode(), raw.value) for n, raw in enumerate(broken)]
    headers = dict(messages[2].headers() or [])
    assert headers["trace"] == b"\x01"
    assert {
        name: headers[f"dlq.{name}"] for name in ("original.partition", "original.offset", "original.key", "error.class", "attempt")
    } == {
        "original.partition": b"5",
        "original.offset": b"2",
        "original.key": b"k",
        "error.class": b"malformed",
        "attempt": b"0",
    }
    assert rows(config, "SELECT count(published_at) FROM ops.dead_letter") == [(3,)]


def test_letters_that_a_killed_process_did_not_publish_are_published_by_the_next(config: Config) -> None:
    produce(config, [Raw(TOUCH, b"{broken", b"k", 5)])
    with open_writer(config.warehouse.path) as con:
        ingest(con, LogSource(config.kafka), config)
    assert rows(config, "SELECT count(published_at) FROM ops.dead_letter") == [(0,)]
    stream(config, until="caught_up")
    assert [m.value() for m in read_dlq(config, 1)] == [b"{broken"]


def test_letter_larger_than_the_broker_takes_stays_in_the_warehouse(kafka: str, tmp_path: Path) -> None:
    config = config_with_topics(kafka, tmp_path / "warehouse.duckdb", max_record_bytes=1_000)
    limit = 1_048_576 + 12  # of the broker; the story in the headers takes the letter beyond it
    produce(config, [Raw(TOUCH, random.Random(1).randbytes(limit - 200), None, 5), Raw(TOUCH, b"{broken", None, 5)], largest=2 * limit)
    stream(config, until="caught_up")
    assert rows(config, "SELECT kafka_offset, published_at IS NULL FROM ops.dead_letter ORDER BY ALL") == [(0, True), (1, False)]
    assert [m.value() for m in read_dlq(config, 1)] == [b"{broken"]


def test_without_dead_letter_topics_the_stream_goes_on(config: Config) -> None:
    admin = AdminClient({"bootstrap.servers": config.kafka.bootstrap_servers})
    for future in admin.delete_topics([dlq_of(topic_name(config.kafka, TOUCH))]).values():
        future.result()
    until(lambda: dlq_of(topic_name(config.kafka, TOUCH)) not in admin.list_topics(timeout=5).topics)
    produce(config, [Raw(TOUCH, b"{broken", None, 5), touch(1)])
    stream(config, until="caught_up")
    assert rows(config, "SELECT published_at IS NULL FROM ops.dead_letter") == [(True,)]
