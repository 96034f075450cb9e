"""Where a batch that does not match its checksum ends.

The client library tells where such a batch begins and then loses its way: it takes what follows for a batch's head, and asks for
offsets that never were. So it is only asked one thing, each time by a consumer of its own: does this offset lie in that batch?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from nisba.config import Kafka
from pipelines.broker.client import quiet_log, unreachable

__all__ = ["end_of_batch", "first_outside"]

POLL_SECONDS = 0.2


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


def _begin_of_broken(kafka: Kafka, settings: dict[str, Any], place: TopicPartition) -> int | None:
    """Return where the broken batch at a place begins; None where the place can be read, or is behind the end."""
    consumer = Consumer(settings, logger=quiet_log())
    deadline = time.monotonic() + kafka.timeout_seconds
    try:
        consumer.assign([place])
        while time.monotonic() < deadline:
            message = consumer.poll(POLL_SECONDS)
            if message is None:
                continue
            error = message.error()
            if error is not None and error.code() == KafkaError._BAD_MSG:
                return message.offset()
            if error is None or error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET):
                return None
    finally:
        consumer.close()
    raise unreachable(kafka, f"nothing was received for {kafka.timeout_seconds} s")
