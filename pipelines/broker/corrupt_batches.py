"""Batches that do not match their checksum: where such a batch ends, and the dead letters of its records.

The client library tells where such a batch begins and then loses its way: it takes what follows for a batch's head, and asks for
offsets that never were. So it is only asked one thing, each time by a consumer of its own: does this offset lie in that batch?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from nisba.config import Kafka
from pipelines.broker.client import quiet_log, unreachable
from pipelines.broker.retry import Deadline, retry_until
from schemas.refusals import DEAD_LETTER_SCHEMA

__all__ = ["corrupt_dead_letters", "end_of_batch", "first_outside"]

POLL_SECONDS = 0.2
READABLE = -1
"""What is said of a place that can be read, or lies behind the end."""


def corrupt_dead_letters(topic: str, partition: int, records: Iterable[tuple[int, str]]) -> pa.Table:
    """Make dead letters of class `corrupt` of (offset, reason): the bytes are lost, their place in the log is kept.

    Only the reader can write them: no record ever reaches the decoder.
    """
    rows = [
        {
            "topic": topic,
            "kafka_partition": partition,
            "kafka_offset": offset,
            "error_class": "corrupt",
            "message": f"the broker's bytes do not match their checksum ({reason}): send the events from this offset on again",
            "attempt": 0,
        }
        for offset, reason in records
    ]
    return pa.Table.from_pylist(rows, schema=DEAD_LETTER_SCHEMA)


def end_of_batch(kafka: Kafka, settings: dict[str, Any], topic: str, partition: int, begin: int) -> int:
    """Return the first offset behind the broken batch that begins at `begin`. Raises BrokerError when nothing answers."""
    return first_outside(lambda offset: _begin_of_broken(kafka, settings, TopicPartition(topic, partition, offset)) == begin, begin)


def first_outside(is_inside: Callable[[int], bool], begin: int) -> int:
    """Return the smallest offset that is not inside, `begin` being inside: in leaps, then by halves.

    >>> asked = []
    >>> first_outside(lambda offset: asked.append(offset) or offset < 205, 5), len(asked)
    (205, 15)
    """
    inside, step = begin, 1
    while is_inside(inside + step):
        inside, step = inside + step, 2 * step
    outside = inside + step
    while outside - inside > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if is_inside(middle) else (inside, middle)
    return outside


def _begin_of_broken(kafka: Kafka, settings: dict[str, Any], place: TopicPartition) -> int:
    """Return where the broken batch at a place begins, or READABLE."""
    consumer = Consumer(settings, logger=quiet_log())
    try:
        consumer.assign([place])
        found = retry_until(
            Deadline(kafka.timeout_seconds), lambda: verdict(consumer.poll(POLL_SECONDS)), is_answer=lambda told: told is not None
        )
    finally:
        consumer.close()
    if found is None:
        raise unreachable(kafka, f"nothing was received for {kafka.timeout_seconds} s")
    return found


def verdict(message: Message | None) -> int | None:
    """Return what a message says of its place: where the broken batch begins, or READABLE; None where it says nothing of that."""
    if message is None:
        return None
    error = message.error()
    if error is not None and error.code() == KafkaError._BAD_MSG:
        return message.offset()
    is_readable = error is None or error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET)
    return READABLE if is_readable else None
