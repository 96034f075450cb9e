"""Blocks of records on their way into the ledger: read, decode, write as parts. Free of Beam: a DoFn of the same name wires each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nisba.errors import NisbaError
from pipelines.circuit_breaker import Outcome, latest_outcome
from pipelines.parts import BlockAccount, BundleParts
from pipelines.sources import Block, Source, Span
from schemas.decoder import Decoded, decode_block

__all__ = [
    "DEAD_LETTERS",
    "UNKNOWN_FIELDS",
    "DecodedBlock",
    "ReadBlock",
    "ReadTask",
    "decode_blocks",
    "read_ranges",
    "write_facts",
]

DEAD_LETTERS = "dead_letter"
"""Name of the parts that hold dead letters."""

UNKNOWN_FIELDS = "unknown_field"
"""Name of the parts that count fields that no type knows; all other parts are named for their fact type."""


@dataclass(frozen=True)
class ReadTask:
    """Spans that one worker reads, and where its parts go."""

    folder: str
    source: Source
    spans: tuple[Span, ...]
    max_record_bytes: int


@dataclass(frozen=True)
class ReadBlock:
    """A block on its way to the decoder; the last of a task has none, but the reason why reading ended early, if it did."""

    task: ReadTask
    block: Block | None
    failure: NisbaError | None = None


@dataclass(frozen=True)
class DecodedBlock:
    """A block's facts and dead letters; none at the end of a task."""

    read: ReadBlock
    decoded: Decoded | None


def read_ranges(task: ReadTask) -> Iterator[ReadBlock]:
    """Read a task's spans, and say that it ended: a task that reads nothing is in the manifest too."""
    failure = None
    try:
        for block in task.source.read(list(task.spans)):
            yield ReadBlock(task, block)
    except NisbaError as error:
        failure = error
    yield ReadBlock(task, None, failure)


def decode_blocks(read: ReadBlock) -> Iterator[DecodedBlock]:
    """Decode a block: every record becomes a fact or a dead letter."""
    if read.block is None:
        yield DecodedBlock(read, None)
    else:
        yield DecodedBlock(read, decode_block(read.block.records, max_record_bytes=read.task.max_record_bytes))


def write_facts(parts: BundleParts, element: DecodedBlock) -> None:
    """Add a block's facts and dead letters to a bundle's parts, with the account of how far its partition has been read."""
    folder, block, decoded = element.read.task.folder, element.read.block, element.decoded
    if element.read.failure is not None:
        parts.fail(folder, element.read.failure)
    elif block is None or decoded is None:
        parts.add(folder, {})
    else:
        found = {**decoded.facts, DEAD_LETTERS: decoded.dead_letters, UNKNOWN_FIELDS: decoded.unknown_fields}
        parts.add(folder, found, account_of(block, decoded))
        if block.corrupt is not None:
            parts.add(folder, {DEAD_LETTERS: block.corrupt})


def account_of(block: Block, decoded: Decoded) -> BlockAccount:
    """Return how far a block leads and what became of its records; corrupt ones are among the latest, and refused."""
    records, corrupt = block.records, block.corrupt.num_rows if block.corrupt is not None else 0
    latest = latest_outcome(records.offsets, decoded.dead_letters["kafka_offset"].to_pylist())
    outcome = Outcome(latest.records + corrupt, latest.refused + corrupt)
    return BlockAccount(records.topic, records.partition, block.next_offset, decoded.records + corrupt, outcome)
