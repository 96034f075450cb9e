"""Replay dead letters: the original bytes, to the original topic and partition, with the number of the attempt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nisba.config import Config
from pipelines.broker.client import connected, topic_name
from pipelines.broker.producer import Delivery, Record
from schemas.topics import TOPICS
from warehouse.dead_letters import headers_of, place_of

__all__ = ["ATTEMPTS", "ReplayReport", "record_of", "replay"]

ATTEMPTS = 3
"""What failed so often stays parked."""
_ATTEMPT = "replay.attempt"


@dataclass
class ReplayReport:
    """What became of the letters."""

    sent: list[Mapping[str, Any]] = field(default_factory=list)
    """Those that the broker has acknowledged."""
    parked: int = 0
    from_files: int = 0
    refused: list[str] = field(default_factory=list)


def replay(letters: Iterable[Mapping[str, Any]], config: Config) -> ReplayReport:
    """Send dead letters (rows of `ops.dead_letter`) again; what the broker has acknowledged is for the caller to mark. Raises BrokerError.

    Letters of files are only counted, and so are those without bytes (class `corrupt`) or with ATTEMPTS behind them, as parked.
    """
    connected(config.kafka)
    report, delivery, tried = ReplayReport(), Delivery(config.kafka), []
    known = {topic_name(config.kafka, topic.name) for topic in TOPICS}
    for letter in letters:
        if letter["topic"] not in known:
            report.from_files += 1
        elif letter["value"] is None or letter["attempt"] >= ATTEMPTS:
            report.parked += 1
        else:
            delivery.send(record_of(letter))
            tried.append(letter)
    delivery.finish()
    report.refused = delivery.report.refused
    report.sent = [letter for letter in tried if not delivery.report.has_refused(place_of(letter))]
    return report


def record_of(letter: Mapping[str, Any]) -> Record:
    """Return the record of a letter, its header `replay.attempt` one higher.

    >>> letter = {"topic": "crm.deal", "kafka_partition": 3, "kafka_offset": 7, "key": b"acme", "value": b"{"}
    >>> letter |= {"headers": None, "attempt": 1}
    >>> record_of(letter).headers, record_of(letter).partition
    ((('replay.attempt', b'2'),), 3)
    """
    kept = [header for header in headers_of(letter) if header[0] != _ATTEMPT]
    headers = (*kept, (_ATTEMPT, str(letter["attempt"] + 1).encode()))
    return Record(letter["topic"], letter["key"], letter["value"], headers, letter["kafka_partition"], place_of(letter))
