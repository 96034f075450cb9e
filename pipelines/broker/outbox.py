"""The outbox: dead letters on their way to `<topic>.dlq`, with the story of each in its headers.

They are sent after they are committed, so one may be sent twice when a process dies in between, never left out. The key names the
record's place in its topic: who reads the dead letter topic tells repetitions by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nisba.config import Config
from pipelines.broker.client import connected, topic_name
from pipelines.broker.producer import Delivery, Record
from schemas.topics import TOPICS, dlq_of
from warehouse.dead_letters import headers_of, mark_published, place_of, unpublished_letters

if TYPE_CHECKING:
    import duckdb

__all__ = ["letter_record", "publish_letters"]

PREFIX = "dlq."


def publish_letters(con: duckdb.DuckDBPyConnection, config: Config) -> int:
    """Send the letters that were not sent yet, and mark what the broker has acknowledged; returns how many. Raises BrokerError.

    Letters of files have no topic to go to. What the broker refuses, being larger than it takes, and letters of a topic without a
    dead letter topic stay in the warehouse alone.
    """
    letters = unpublished_letters(con, topics=[topic_name(config.kafka, topic.name) for topic in TOPICS])
    if not letters:
        return 0
    there = connected(config.kafka)[1].topics
    delivery, tried = Delivery(config.kafka), [letter for letter in letters if dlq_of(letter["topic"]) in there]
    for letter in tried:
        delivery.send(letter_record(letter, config.kafka.group))
    delivery.finish()
    acknowledged = [letter for letter in tried if not delivery.report.has_refused(place_of(letter))]
    mark_published(con, acknowledged, dt.datetime.now(dt.timezone.utc))
    return len(acknowledged)


def letter_record(letter: Mapping[str, Any], group: str) -> Record:
    """Return the record that a letter becomes.

    >>> letter = {"topic": "crm.deal", "kafka_partition": 3, "kafka_offset": 7, "key": b"acme", "value": b"{", "headers": None}
    >>> letter |= {"attempt": 1, "error_class": "malformed", "message": "not JSON", "timestamp_ms": None}
    >>> record = letter_record(letter, "nisba")
    >>> record.topic, record.key, record.value, dict(record.headers)["dlq.error.class"]
    ('crm.deal.dlq', b'crm.deal/3/7', b'{', b'malformed')
    """
    story = {
        "original.topic": letter["topic"],
        "original.partition": letter["kafka_partition"],
        "original.offset": letter["kafka_offset"],
        "original.timestamp": letter["timestamp_ms"],
        "original.key": letter["key"],
        "consumer.group": group,
        "error.class": letter["error_class"],
        "error.message": letter["message"],
        "attempt": letter["attempt"],
    }
    kept = [header for header in headers_of(letter) if not header[0].startswith(PREFIX)]
    told = [
        (PREFIX + name, value if isinstance(value, bytes) else str(value).encode()) for name, value in story.items() if value is not None
    ]
    place = place_of(letter)
    return Record(dlq_of(letter["topic"]), place.encode(), letter["value"], (*kept, *told), origin=place)
