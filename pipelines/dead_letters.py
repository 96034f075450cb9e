"""Dead letters on their way: the ones that only the reader can write, and how many of the latest records were refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from nisba.errors import TooManyDeadLetters
from schemas.decoder import DEAD_LETTER_SCHEMA

__all__ = ["LATEST", "Refusals", "corrupt_letters", "latest_refusals"]

LATEST = 1_000
"""The limit is judged over this many of the latest records."""


def corrupt_letters(topic: str, partition: int, records: Iterable[tuple[int, str]]) -> pa.Table:
    """Make dead letters of class `corrupt`: the bytes are lost, their place in the log is kept."""
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


def latest_refusals(offsets: Sequence[int], refused: Iterable[int]) -> tuple[int, int]:
    """Return (records, refused ones) among the latest records of a block.

    >>> latest_refusals(range(5000), [3999, 4000, 4999])
    (1000, 2)
    """
    latest = offsets[-LATEST:]
    return len(latest), sum(offset >= latest[0] for offset in refused) if latest else 0


@dataclass
class Refusals:
    """The refused ones among the latest records, over blocks and cycles.

    Blocks are dropped from the old end while at least `LATEST` records remain. With fewer records than that, those to come count as
    good: three bad ones of the first ten stop nobody.
    """

    limit_pct: Decimal
    blocks: deque[tuple[int, int]] = field(default_factory=deque)

    def after(self, blocks: Iterable[tuple[int, int]]) -> deque[tuple[int, int]]:
        """Return `blocks` as it will be when these (records, refused) are landed; a round that is not leaves no trace.

        Raises TooManyDeadLetters at the first that is too much.

        >>> Refusals(Decimal(5), deque([(900, 0), (600, 0)])).after([(500, 40)])
        deque([(600, 0), (500, 40)])
        >>> Refusals(Decimal(5)).after([(30, 30), (30, 21)])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        nisba.errors.TooManyDeadLetters: 51 of the latest 60 records are dead letters, ...
        """
        kept = deque(self.blocks)
        for block in blocks:
            kept.append(block)
            while sum(records for records, _ in kept) - kept[0][0] >= LATEST:
                kept.popleft()
            self._judge(kept)
        return kept

    def _judge(self, blocks: Iterable[tuple[int, int]]) -> None:
        records, refused = (sum(column) for column in zip(*blocks, strict=True))
        if refused * 100 > self.limit_pct * max(records, LATEST):
            raise TooManyDeadLetters(refused, records, float(self.limit_pct))
