"""The producer: records to Kafka, each of them accounted for; and a directory of events, each line as it is.

The bytes of a line are never touched: a line that is no event is sent too, and becomes a dead letter where everybody looks for
them. A file named for a topic (`marketing.touch.jsonl.gz`) goes to that topic as a whole. In every other file each line
goes to the topic of its `type`, and a line without a readable type to the topic of the line before it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from nisba.config import Config, Kafka
from nisba.errors import BrokerError, NisbaError
from pipelines.broker.client import FINAL_ERRORS, client_settings, connected, quiet_log, unreachable
from pipelines.broker.topics import topic_name
from pipelines.file_source import DirectorySource, event_files
from schemas.encoding import CONTENT_TYPE
from schemas.keys import partition_key
from schemas.topics import TOPICS, topic_of

__all__ = ["Delivery", "Record", "SendReport", "address_of", "deliver", "records_of", "send_directory"]

_STRUCTURED = [("content-type", CONTENT_TYPE)]
LARGEST_RECORD = 64 * 1024 * 1024
"""The client refuses nothing itself: whether a record is too large is the broker's to say, per record."""
PROGRESS_RECORDS = 10_000

PRODUCER_SETTINGS = {
    "partitioner": "murmur2_random",  # as every Java producer does: all events of an account in one partition
    "enable.idempotence": True,
    "linger.ms": 20,
    "batch.size": 262_144,
    "compression.type": "lz4",
    "message.max.bytes": LARGEST_RECORD,
    "queue.buffering.max.messages": 500_000,
    "queue.buffering.max.kbytes": 262_144,
}


@dataclass(frozen=True)
class Record:
    """A record to send; `origin` tells a person where it came from."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int = -1
    origin: str = ""


@dataclass
class SendReport:
    """What the broker has acknowledged, and what it refused."""

    sent: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    """Origin and reason of each, as a line for people."""
    refused_origins: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def records(self) -> int:
        return sum(self.sent.values())

    def has_refused(self, origin: str) -> bool:
        return origin in self.refused_origins

    def refuse(self, record: Record, reason: str) -> None:
        """Note a record that the broker does not take."""
        self.refused.append(f"{record.origin or record.topic}: {reason}")
        self.refused_origins.add(record.origin)


class _Envelope(msgspec.Struct, gc=False):
    """As much of an event as sending needs; nothing is checked here."""

    type: str = ""
    partitionkey: str | None = None
    id: str = ""
    data: dict[str, Any] = {}


_decode = msgspec.json.Decoder(_Envelope).decode


def send_directory(directory: str | Path, config: Config, *, on_progress: Callable[[int], None] | None = None) -> SendReport:
    """Send all events of a directory in the order of its files; returns when the broker has acknowledged every record.

    A record that the broker refuses is in `refused`, with its file and line; all others are sent. Raises BrokerError, SourceError.
    """
    connected(config.kafka)
    started = time.monotonic()
    report = deliver(config.kafka, records_of(directory, config.kafka), on_progress=on_progress)
    report.seconds = time.monotonic() - started
    return report


def deliver(kafka: Kafka, records: Iterable[Record], *, on_progress: Callable[[int], None] | None = None) -> SendReport:
    """Send records in their order; returns when each is acknowledged or refused. Raises BrokerError."""
    delivery = Delivery(kafka)
    for count, record in enumerate(records, 1):
        delivery.send(record)
        if on_progress is not None and count % PROGRESS_RECORDS == 0:
            on_progress(count)
    delivery.finish()
    return delivery.report


def records_of(directory: str | Path, kafka: Kafka) -> Iterator[Record]:
    """Yield the records of a directory, in order."""
    source = DirectorySource(str(directory))
    known = {topic.name for topic in TOPICS}
    names = {topic.name: topic_name(kafka, topic.name) for topic in TOPICS}
    for path in event_files(directory):
        named_for = path.name.split(".jsonl")[0].removesuffix(".parquet")
        for topic, offset, value, key in _routed(source.values(path.as_posix()), named_for if named_for in known else None):
            yield Record(names[topic], key, value, _STRUCTURED, origin=f"{path.as_posix()}:{offset + 1}")


def _routed(values: Iterable[tuple[int, bytes]], named_for: str | None) -> Iterator[tuple[str, int, bytes, bytes | None]]:
    """Yield (topic, offset, value, key) of each value."""
    latest = named_for or TOPICS[0].name
    for offset, value in values:
        event_type, key = address_of(value)
        if named_for is None:
            latest = _topic_of(event_type) or latest
        yield latest, offset, value, key


def address_of(value: bytes) -> tuple[str, bytes | None]:
    """Return (type, record key) of an event; ("", None) of anything else.

    >>> address_of(b'{"type":"nisba.deal.v1","id":"1","data":{"account_id":"acme"}}')
    ('nisba.deal.v1', b'acme')
    >>> address_of(b'{"type":')
    ('', None)
    """
    try:
        event = _decode(value)
        key = event.partitionkey or partition_key(event.type, event.data)
    except (msgspec.MsgspecError, NisbaError, UnicodeDecodeError, RecursionError, KeyError, TypeError, ValueError, AttributeError):
        return "", None
    return event.type, key.encode() if key else None


def _topic_of(event_type: str) -> str | None:
    try:
        return topic_of(event_type).name
    except (KeyError, NisbaError):
        return None


class Delivery:
    """A producer whose every record is accounted for: acknowledged or refused by name."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka
        self.report = SendReport()
        self.trouble: KafkaError | None = None
        self.doubtful: list[Record] | None = []
        self.producer = self._new_producer()

    def _new_producer(self) -> Producer:
        limit = {"message.timeout.ms": max(1, self.kafka.timeout_seconds) * 3_000}
        settings = {**client_settings(self.kafka), **PRODUCER_SETTINGS, **limit, "error_cb": self._complain}
        return Producer(settings, logger=quiet_log())

    def send(self, record: Record) -> None:
        """Queue a record; waits while the queue is full. Raises BrokerError when the broker is gone for good."""
        while True:
            try:
                self._produce(record)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)
        self._raise_trouble()

    def _produce(self, record: Record) -> None:
        def done(error: KafkaError | None, message: Message) -> None:
            self._delivered(record, error)

        headers: list[tuple[str, str | bytes | None]] = list(record.headers)
        try:
            self.producer.produce(record.topic, record.value, record.key, record.partition, on_delivery=done, headers=headers)
        except KafkaException as error:
            self._refuse(record, error.args[0])

    def _delivered(self, record: Record, error: KafkaError | None) -> None:
        if error is None:
            self.report.sent[record.topic] += 1
        elif error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError._TRANSPORT, *FINAL_ERRORS):
            self.trouble = self.trouble or error
        elif self.doubtful is not None:
            self.doubtful.append(record)
        else:
            self._refuse(record, error)

    def _refuse(self, record: Record, error: KafkaError) -> None:
        self.report.refuse(record, error.str())
        if error.fatal():
            self.trouble = error

    def _complain(self, error: KafkaError) -> None:
        if error.fatal() or error.code() in FINAL_ERRORS:
            self.trouble = error

    def finish(self) -> None:
        """Wait for every acknowledgement. Raises BrokerError where one is missing.

        A broker refuses whole batches, so the records of a refused batch are sent once more, each alone: only the bad ones stay refused.
        """
        self._flush()
        doubtful, self.doubtful = self.doubtful or [], None
        for record in doubtful:
            self.send(record)
            self._flush()

    def _flush(self) -> None:
        left = self.producer.flush(self.kafka.timeout_seconds * 4)
        self._raise_trouble()
        if left:
            raise BrokerError(f"{left} records were not acknowledged by Kafka at {self.kafka.bootstrap_servers}: send the directory again.")

    def _raise_trouble(self) -> None:
        if self.trouble is not None:
            raise unreachable(self.kafka, self.trouble)
