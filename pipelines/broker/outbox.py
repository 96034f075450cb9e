"""The outbox: dead letters on their way to `<topic>.dlq`, with the story of each in its headers.

They are sent after they are committed, so one may be sent twice when a process dies in between, never left out. The key names the
record's place in its topic: who reads the dead letter topic tells repetitions by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nisba.config import Config
from pipelines.broker.client import connected
from pipelines.broker.producer import Record, deliver
from pipelines.broker.topics import topic_names
from schemas.topics import dlq_of
from warehouse.dead_letters import headers_of, mark_published, place_of, unpublished_dead_letters

if TYPE_CHECKING:
    import duckdb

__all__ = ["dead_letter_record", "publish_dead_letters"]

PREFIX = "dlq."


def publish_dead_letters(con: duckdb.DuckDBPyConnection, config: Config) -> int:
    """Send the dead letters that were not sent yet, and mark what the broker has acknowledged; returns how many. Raises BrokerError.

    Those of files have no topic to go to. What the broker refuses, being larger than it takes, and those of a topic without a dead
    letter topic stay in the warehouse alone.
    """
    unpublished = unpublished_dead_letters(con, topics=topic_names(config.kafka))
    if not unpublished:
        return 0
    there = connected(config.kafka)[1].topics
    tried = [dead_letter for dead_letter in unpublished if dlq_of(dead_letter["topic"]) in there]
    report = deliver(config.kafka, (dead_letter_record(dead_letter, config.kafka.group) for dead_letter in tried))
    acknowledged = [dead_letter for dead_letter in tried if not report.has_refused(place_of(dead_letter))]
    mark_published(con, acknowledged, dt.datetime.now(dt.timezone.utc))
    return len(acknowledged)


def dead_letter_record(dead_letter: Mapping[str, Any], group: str) -> Record:
    """Return the record that a dead letter (a row of `ops.dead_letter`) becomes.

    >>> row = {"topic": "crm.deal", "kafka_partition": 3, "kafka_offset": 7, "key": b"acme", "value": b"{", "headers": None}
    >>> row |= {"attempt": 1, "error_class": "malformed", "message": "not JSON", "timestamp_ms": None}
    >>> record = dead_letter_record(row, "nisba")
    >>> record.topic, record.key, record.value, dict(record.headers)["dlq.error.class"]
    ('crm.deal.dlq', b'crm.deal/3/7', b'{', b'malformed')
    """
    kept = [header for header in headers_of(dead_letter) if not header[0].startswith(PREFIX)]
    place = place_of(dead_letter)
    return Record(dlq_of(dead_letter["topic"]), place.encode(), dead_letter["value"], (*kept, *_story(dead_letter, group)), origin=place)


def _story(dead_letter: Mapping[str, Any], group: str) -> list[tuple[str, bytes]]:
    """Tell where a record came from and why it was refused, in headers; what is not known is left out."""
    story = {
        "original.topic": dead_letter["topic"],
        "original.partition": dead_letter["kafka_partition"],
        "original.offset": dead_letter["kafka_offset"],
        "original.timestamp": dead_letter["timestamp_ms"],
        "original.key": dead_letter["key"],
        "consumer.group": group,
        "error.class": dead_letter["error_class"],
        "error.message": dead_letter["message"],
        "attempt": dead_letter["attempt"],
    }
    return [
        (PREFIX + name, value if isinstance(value, bytes) else str(value).encode()) for name, value in story.items() if value is not None
    ]
