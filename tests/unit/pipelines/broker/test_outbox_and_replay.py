"""Dead letters on their way out and back: the records that they become, and which of them are sent at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from nisba.config import Config
from nisba.errors import BrokerError
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.outbox import dead_letter_record, publish_dead_letters
from pipelines.broker.replay import ATTEMPTS, replay, replay_record, sorted_out
from pipelines.broker.topics import create_topics
from pipelines.ingest import ingest
from tests.unit.pipelines.events import BROKEN, TOPIC, MemorySource, config_of, touches, with_broker
from warehouse.connection import open_writer


def stored(*headers: tuple[str, bytes]) -> str:
    """Return headers as `ops.dead_letter` keeps them."""
    return json.dumps([[name, base64.b64encode(value).decode()] for name, value in headers])


def dead_letter(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"topic": "crm.deal", "kafka_partition": 3, "kafka_offset": 7, "key": b"acme", "value": b"{", "headers": None}
    row |= {"attempt": 1, "error_class": "malformed", "message": "not JSON", "timestamp_ms": 1_700_000_000_000}
    return row | changed


def story(**changed: Any) -> dict[str, bytes]:
    return dict(dead_letter_record(dead_letter(**changed), "nisba").headers)


def test_the_story_of_a_dead_letter_is_in_its_headers() -> None:
    assert story() == {
        "dlq.original.topic": b"crm.deal",
        "dlq.original.partition": b"3",
        "dlq.original.offset": b"7",
        "dlq.original.timestamp": b"1700000000000",
        "dlq.original.key": b"acme",
        "dlq.consumer.group": b"nisba",
        "dlq.error.class": b"malformed",
        "dlq.error.message": b"not JSON",
        "dlq.attempt": b"1",
    }


def test_key_names_the_place_and_the_bytes_stay() -> None:
    record = dead_letter_record(dead_letter(value=b"\xff\x00"), "nisba")
    assert (record.topic, record.key, record.value, record.origin) == ("crm.deal.dlq", b"crm.deal/3/7", b"\xff\x00", "crm.deal/3/7")
    assert record.partition == -1


@pytest.mark.parametrize("name", ["key", "timestamp_ms"])
def test_what_is_not_known_is_left_out(name: str) -> None:
    assert len(story(**{name: None})) == len(story()) - 1


@pytest.mark.parametrize("value", [None, b""])
def test_record_without_bytes_is_published_without_bytes(value: bytes | None) -> None:
    assert dead_letter_record(dead_letter(value=value), "nisba").value == value


def test_headers_of_the_record_are_kept_before_the_story_and_an_older_story_goes() -> None:
    headers = stored(("trace", b"\x00\x01"), ("dlq.error.class", b"old"), ("trace", b"again"))
    record = dead_letter_record(dead_letter(headers=headers, error_class="schema"), "nisba")
    assert list(record.headers[:2]) == [("trace", b"\x00\x01"), ("trace", b"again")]
    assert [value for name, value in record.headers if name == "dlq.error.class"] == [b"schema"]


def test_error_message_of_any_language_is_utf8() -> None:
    assert story(message="kein JSON: „é“")["dlq.error.message"].decode() == "kein JSON: „é“"


def test_replayed_record_goes_where_it_was_with_its_attempt() -> None:
    record = replay_record(dead_letter(headers=stored(("trace", b"x"), ("replay.attempt", b"1"))))
    assert (record.topic, record.partition, record.key, record.value) == ("crm.deal", 3, b"acme", b"{")
    assert list(record.headers) == [("trace", b"x"), ("replay.attempt", b"2")]
    assert record.origin == "crm.deal/3/7"


def test_only_what_came_from_a_topic_with_bytes_and_attempts_left_is_replayed() -> None:
    rows = [
        dead_letter(attempt=0),
        dead_letter(attempt=ATTEMPTS - 1),
        dead_letter(attempt=ATTEMPTS),
        dead_letter(value=None, error_class="corrupt"),
        dead_letter(topic="events/crm.deal.jsonl"),
        dead_letter(topic="events/crm.deal.jsonl", attempt=ATTEMPTS),
    ]
    tried, report = sorted_out(rows, ["crm.deal"])
    assert [row["attempt"] for row in tried] == [0, ATTEMPTS - 1]
    assert (report.parked, report.from_files, report.sent, report.refused) == (2, 2, [], [])


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with embedded_broker() as address:
        yield address


@pytest.fixture
def config(broker: str, tmp_path: Path) -> Config:
    made = with_broker(config_of(tmp_path), broker)
    create_topics(made.kafka)
    return made


@pytest.fixture
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with two dead letters of a topic."""
    with open_writer(config.warehouse.path) as opened:
        ingest(opened, MemorySource({0: [BROKEN, *touches(1), BROKEN]}), config)
        yield opened


def test_dead_letters_are_published_once(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    assert [publish_dead_letters(con, config) for _ in range(2)] == [2, 0]
    assert con.execute("SELECT count(published_at) FROM ops.dead_letter").fetchone() == (2,)


def test_dead_letters_of_files_stay_where_they_are(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    con.execute("UPDATE ops.dead_letter SET topic = 'events/touches.jsonl'")
    assert publish_dead_letters(con, config) == 0


def test_broker_is_not_asked_where_nothing_waits(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    publish_dead_letters(con, config)
    assert publish_dead_letters(con, with_broker(config, "127.0.0.1:9")) == 0


def test_what_was_sent_again_is_the_callers_to_mark(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    rows = [dead_letter(topic=TOPIC, kafka_partition=0, kafka_offset=number) for number in range(2)]
    report = replay([*rows, dead_letter(topic="a.jsonl")], config)
    assert ([row["kafka_offset"] for row in report.sent], report.parked, report.from_files) == ([0, 1], 0, 1)
    assert con.execute("SELECT count(replayed_at) FROM ops.dead_letter").fetchone() == (0,)


def test_what_the_broker_refuses_is_not_marked(config: Config) -> None:
    report = replay([dead_letter(topic=TOPIC, kafka_partition=99), dead_letter(topic=TOPIC, kafka_partition=0)], config)
    assert [row["kafka_partition"] for row in report.sent] == [0]
    assert [line.split(": ")[0] for line in report.refused] == [f"{TOPIC}/99/7"]


def test_replay_needs_a_broker_even_for_nothing(config: Config) -> None:
    kafka = msgspec.structs.replace(config.kafka, bootstrap_servers="127.0.0.1:9", timeout_seconds=1)
    quick = msgspec.structs.replace(config, kafka=kafka)
    with pytest.raises(BrokerError):
        replay([], quick)
