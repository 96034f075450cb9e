"""Replay dead letters: the original bytes, to the original topic and partition, with the number of the attempt."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nisba.config import Config
from pipelines.broker.client import connected
from pipelines.broker.producer import Record, deliver
from pipelines.broker.topics import topic_names
from warehouse.dead_letters import headers_of, place_of

__all__ = ["ATTEMPTS", "ReplayReport", "replay", "replay_record", "sorted_out"]

ATTEMPTS = 3
"""What failed so often stays parked."""
_ATTEMPT = "replay.attempt"

DeadLetter = Mapping[str, Any]
"""A row of `ops.dead_letter`."""


@dataclass
class ReplayReport:
    """What became of the dead letters."""

    sent: list[DeadLetter] = field(default_factory=list)
    """Those that the broker has acknowledged."""
    parked: int = 0
    from_files: int = 0
    refused: list[str] = field(default_factory=list)


def replay(dead_letters: Iterable[DeadLetter], config: Config) -> ReplayReport:
    """Send dead letters again; what the broker has acknowledged is for the caller to mark. Raises BrokerError.

    Those of files are only counted, and so are those without bytes (class `corrupt`) or with ATTEMPTS behind them, as parked.
    """
    connected(config.kafka)
    tried, report = sorted_out(dead_letters, topic_names(config.kafka))
    delivered = deliver(config.kafka, map(replay_record, tried))
    report.refused = delivered.refused
    report.sent = [dead_letter for dead_letter in tried if not delivered.has_refused(place_of(dead_letter))]
    return report


def sorted_out(dead_letters: Iterable[DeadLetter], topics: Container[str]) -> tuple[list[DeadLetter], ReplayReport]:
    """Return the dead letters that can be replayed, and a report that counts the others."""
    tried, report = [], ReplayReport()
    for dead_letter in dead_letters:
        if dead_letter["topic"] not in topics:
            report.from_files += 1
        elif dead_letter["value"] is None or dead_letter["attempt"] >= ATTEMPTS:
            report.parked += 1
        else:
            tried.append(dead_letter)
    return tried, report


def replay_record(dead_letter: DeadLetter) -> Record:
    """Return the record that a dead letter was, its header `replay.attempt` one higher.

    >>> row = {"topic": "crm.deal", "kafka_partition": 3, "kafka_offset": 7, "key": b"acme", "value": b"{"}
    >>> row |= {"headers": None, "attempt": 1}
    >>> replay_record(row).headers, replay_record(row).partition
    ((('replay.attempt', b'2'),), 3)
    """
    kept = [header for header in headers_of(dead_letter) if header[0] != _ATTEMPT]
    headers = (*kept, (_ATTEMPT, str(dead_letter["attempt"] + 1).encode()))
    place = place_of(dead_letter)
    return Record(dead_letter["topic"], dead_letter["key"], dead_letter["value"], headers, dead_letter["kafka_partition"], place)
