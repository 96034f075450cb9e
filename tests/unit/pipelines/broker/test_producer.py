"""The producer: which line goes to which topic under which key, and an account of every record; the broker is the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError

from nisba.config import Config, Kafka
from nisba.errors import BrokerError, SourceError
from pipelines.broker import producer as module
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.log_source import LogSource
from pipelines.broker.producer import Delivery, Record, SendReport, address_of, deliver, records_of, send_directory
from pipelines.broker.topics import create_topics
from tests.kafka_records import touch, won_deal
from tests.unit.pipelines.events import BROKEN, with_broker, write_events

TOUCH, DEAL = touch(1).value, won_deal(1).value
UNKNOWN = TOUCH.replace(b"nisba.touch.v1", b"nisba.touch.v9")


def event(**fields: Any) -> bytes:
    return msgspec.json.encode(fields)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TOUCH, ("nisba.touch.v1", b"a-1")),
        (DEAL, ("nisba.deal.v1", b"a-1")),
        (UNKNOWN, ("nisba.touch.v9", b"a-1")),
        (UNKNOWN.replace(b"partitionkey", b"partition"), ("", None)),  # whose key is made by its type's rule
        (event(type="nisba.touch.v1", partitionkey="mine", data={"account_id": "acme"}), ("nisba.touch.v1", b"mine")),
        (event(type="nisba.touch.v1", partitionkey="", data={"account_id": "acme"}), ("nisba.touch.v1", b"acme")),
        (BROKEN, ("", None)),
        (b"", ("", None)),
        (b"[]", ("", None)),
        (b'{"type":7}', ("", None)),
        (b'{"type":"nisba.touch.v1","data":[]}', ("", None)),
        (b"\xff\xfe", ("", None)),
        (b'{"type":"' + b"\xff" + b'"}', ("", None)),
        (b"[" * 100_000, ("", None)),
    ],
)
def test_type_and_key_of_a_line(value: bytes, expected: tuple[str, bytes | None]) -> None:
    assert address_of(value) == expected


def routed(folder: Path, kafka: Kafka | None = None) -> list[tuple[str, bytes | None, str]]:
    return [(record.topic, record.key, record.origin) for record in records_of(folder, kafka or Kafka())]


def test_lines_of_any_file_go_to_the_topic_of_their_type(tmp_path: Path) -> None:
    write_events(tmp_path, "everything.jsonl", [TOUCH, b"", DEAL])
    assert routed(tmp_path) == [
        ("marketing.touch", b"a-1", "everything.jsonl:1"),
        ("crm.deal", b"a-1", "everything.jsonl:3"),
    ]


def test_lines_without_a_readable_type_go_where_the_line_before_went(tmp_path: Path) -> None:
    write_events(tmp_path, "everything.jsonl", [BROKEN, DEAL, BROKEN, UNKNOWN, TOUCH, BROKEN])
    assert [topic for topic, _, _ in routed(tmp_path)] == ["marketing.touch", *["crm.deal"] * 3, *["marketing.touch"] * 2]


@pytest.mark.parametrize("name", ["crm.deal.jsonl", "2026/01/crm.deal.jsonl"])
def test_file_named_for_a_topic_goes_there_as_a_whole(tmp_path: Path, name: str) -> None:
    write_events((tmp_path / name).parent, "crm.deal.jsonl", [DEAL, TOUCH, BROKEN])
    assert [(topic, key) for topic, key, _ in routed(tmp_path)] == [("crm.deal", b"a-1"), ("crm.deal", b"a-1"), ("crm.deal", None)]


def test_bytes_are_sent_as_they_are_under_the_names_of_the_configuration(tmp_path: Path) -> None:
    padded = b"  " + DEAL + b"  "
    write_events(tmp_path, "everything.jsonl", [padded])
    kafka = msgspec.structs.replace(Kafka(), topics={"crm.deal": "sales.opportunities"})
    (record,) = records_of(tmp_path, kafka)
    assert (record.topic, record.value, record.partition) == ("sales.opportunities", padded, -1)
    assert record.headers == [("content-type", b"application/cloudevents+json")]


def test_report_knows_the_refused_by_their_origin() -> None:
    report = SendReport()
    report.refuse(Record("crm.deal", None, b"x", origin="a.jsonl:1"), "too large")
    report.refuse(Record("crm.deal", None, b"x"), "no key")
    assert report.refused == ["a.jsonl:1: too large", "crm.deal: no key"]
    assert report.has_refused("a.jsonl:1")
    assert not report.has_refused("a.jsonl:11")
    assert not report.has_refused("a.jsonl")


def test_folder_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        list(records_of(tmp_path / "nowhere", Kafka()))


def test_broker_that_is_not_there_is_said(tmp_path: Path) -> None:
    write_events(tmp_path, "everything.jsonl", [TOUCH])
    config = Config(kafka=Kafka(bootstrap_servers="127.0.0.1:9", timeout_seconds=1))
    with pytest.raises(BrokerError, match="does not answer"):
        send_directory(tmp_path, config)


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    with embedded_broker() as address:
        made = with_broker(Config(), address)
        create_topics(made.kafka)
        yield made


def sent(config: Config) -> list[tuple[str, bytes | None, bytes | None]]:
    """Return (topic, key, value) of every record that the broker has."""
    source = LogSource(config.kafka)
    blocks = [block.records for spans in source.rounds({}, 1_000) for block in source.read(spans)]
    return [(block.topic, key, value) for block in blocks for key, value in zip(block.keys, block.values, strict=True)]


def test_a_directory_arrives_byte_by_byte(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRESS_RECORDS", 2)
    write_events(tmp_path, "everything.jsonl", [TOUCH, DEAL, BROKEN])
    told: list[int] = []
    report = send_directory(tmp_path, config, on_progress=told.append)
    assert (report.records, dict(report.sent), report.refused, told) == (3, {"marketing.touch": 1, "crm.deal": 2}, [], [2])
    assert sorted(sent(config), key=repr) == sorted(
        [("marketing.touch", b"a-1", TOUCH), ("crm.deal", b"a-1", DEAL), ("crm.deal", None, BROKEN)], key=repr
    )


def test_record_to_a_partition_that_is_not_there_is_refused_by_name_and_the_others_are_sent(config: Config) -> None:
    records = [
        Record("identity", None, b"x", partition=99, origin="here:1"),
        Record("identity", b"k", b"y", (("h", b"\x00"),), 0, "here:2"),
    ]
    report = deliver(config.kafka, records)
    assert dict(report.sent) == {"identity": 1}
    assert [line.split(": ")[0] for line in report.refused] == ["here:1"]
    assert report.has_refused("here:1")
    assert not report.has_refused("here:2")


def test_nothing_to_send_is_a_report_of_nothing(config: Config) -> None:
    assert deliver(config.kafka, []).records == 0


RECORD = Record("crm.deal", b"k", b"v", origin="here:1")


def delivery() -> Delivery:
    """Return a delivery whose broker nobody ever reached."""
    return Delivery(Kafka(bootstrap_servers="127.0.0.1:9", timeout_seconds=1))


@pytest.mark.parametrize("code", [KafkaError._MSG_TIMED_OUT, KafkaError._TRANSPORT, KafkaError._AUTHENTICATION, KafkaError._SSL])
def test_record_that_never_arrived_is_a_broker_that_does_not_answer(code: int) -> None:
    sending = delivery()
    sending._delivered(RECORD, KafkaError(code))
    with pytest.raises(BrokerError, match="does not answer"):
        sending.finish()
    assert sending.report.refused == []


def test_record_of_a_refused_batch_is_doubtful_until_it_was_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = delivery()
    other = Record("crm.deal", b"k", b"w", origin="here:2")
    for record in (RECORD, other):
        sending._delivered(record, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
    assert sending.report.refused == []
    answers = {"here:1": KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), "here:2": None}
    monkeypatch.setattr(sending, "send", lambda record: sending._delivered(record, answers[record.origin]))
    sending.finish()
    assert (dict(sending.report.sent), len(sending.report.refused)) == ({"crm.deal": 1}, 1)
    assert sending.report.has_refused("here:1")


@pytest.mark.parametrize(("code", "is_trouble"), [(KafkaError._AUTHENTICATION, True), (KafkaError._ALL_BROKERS_DOWN, False)])
def test_only_a_final_complaint_ends_the_sending(code: int, is_trouble: bool) -> None:
    sending = delivery()
    sending._complain(KafkaError(code))
    assert (sending.trouble is not None) == is_trouble
