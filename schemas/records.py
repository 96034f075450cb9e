"""Raw records, as a source hands them to the decoder: blocks, never single ones."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BYTE_ORDER_MARK", "Headers", "RecordBlock"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors and exports write before the first character; it is read over at the beginning of a record or a file."""

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class RecordBlock:
    """A block of raw records of one topic partition or one file; the lists are parallel.

    `offsets` are Kafka's, or 0-based lines of a file. A value of None is a tombstone. For a file, keys, headers and
    timestamps are None.
    """

    topic: str
    partition: int
    offsets: list[int]
    values: list[bytes | None]
    keys: list[bytes | None]
    headers: list[Headers | None]
    timestamps_ms: list[int | None]

    def __len__(self) -> int:
        return len(self.offsets)
