"""Where events come from: the words that every source shares.

A source plans bounded reading and reads it in blocks. Plans are plain values that pickle: `read` runs in a Beam worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from schemas.records import RecordBlock

__all__ = ["BLOCK_RECORDS", "Block", "Committed", "Source", "Span"]

BLOCK_RECORDS = 20_000
"""Records in one block: Beam's own cost per element vanishes from 5,000 on, memory speaks from 50,000 on."""

Committed = Mapping[tuple[str, int], int]
"""(topic, partition) → the next offset to read."""


@dataclass(frozen=True)
class Span:
    """A piece of one log: the offsets `start … end − 1` of a topic's partition, or a whole file."""

    topic: str
    partition: int
    start: int
    end: int
    committed: int | None = None
    """What the warehouse has: `start`, unless records were lost and skipped; None where it has nothing."""
    reads_on: bool = False
    """The broker understates its ends: read on to the end of the partition."""


@dataclass(frozen=True)
class Block:
    """Records of one partition or file that follow each other."""

    records: RecordBlock
    next_offset: int | None = None
    """Everything before this offset is in this block or an earlier one; None for files, which have no offsets to keep."""
    corrupt: pa.Table | None = None
    """Dead letters of records that could not be read at all."""


class Source(Protocol):
    """A place with events. `ReadRanges` calls `read`, the driver the rest."""

    def rounds(self, committed: Committed, limit: int) -> Iterator[list[Span]]:
        """Plan what there is now, in rounds of about `limit` records: one round is one run and one transaction."""

    def read(self, spans: list[Span]) -> Iterator[Block]:
        """Read spans, in blocks, in the order of each partition or file."""

    def acknowledge(self, committed: Committed) -> None:
        """Tell outside tools how far the warehouse is. Nothing depends on it."""
