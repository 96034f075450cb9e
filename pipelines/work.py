"""What workers do with one element: the functions behind the DoFns, free of Beam.

An error that nisba raises on purpose travels as data, to be raised again where the run was started: a runner would turn it
into a page of stack traces. Every other exception is the runner's to retry or to report.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from nisba import errors
from nisba.config import Config
from nisba.errors import NisbaError
from pipelines.dead_letters import latest_refusals
from pipelines.parts import Entry, PartWriter, write_manifest
from pipelines.sources import Block, Source, Span
from schemas.decoder import Decoded, decode_block

__all__ = [
    "BookCollector",
    "Collector",
    "DecodedBlock",
    "FactCollector",
    "ReadBlock",
    "ReadTask",
    "Shard",
    "ShardTask",
    "decoded",
    "loaded",
    "raise_failures",
    "read_blocks",
    "write_run",
]

DEAD_LETTERS = "dead_letter"
"""Name of the parts that hold dead letters; the other parts are named for their fact type."""


@dataclass(frozen=True)
class ReadTask:
    """Spans that one worker reads, and where its parts go."""

    folder: str
    source: Source
    spans: tuple[Span, ...]
    max_record_bytes: int


@dataclass(frozen=True)
class ReadBlock:
    """A block on its way to the decoder, or the reason why there is none."""

    task: ReadTask
    block: Block | None
    failure: NisbaError | None = None


@dataclass(frozen=True)
class DecodedBlock:
    """A block's facts and dead letters."""

    read: ReadBlock
    decoded: Decoded | None


def read_blocks(task: ReadTask) -> Iterator[ReadBlock]:
    """Read a task's spans."""
    try:
        for block in task.source.read(list(task.spans)):
            yield ReadBlock(task, block)
    except NisbaError as failure:
        yield ReadBlock(task, None, failure)


def decoded(read: ReadBlock) -> DecodedBlock:
    """Decode a block: every record becomes a fact or a dead letter."""
    if read.block is None:
        return DecodedBlock(read, None)
    return DecodedBlock(read, decode_block(read.block.records, max_record_bytes=read.task.max_record_bytes))


class Collector(Protocol):
    """Gathers elements and says, as (folder, JSON), what the manifest shall name."""

    def add(self, element: Any) -> None: ...

    def entries(self) -> Iterator[tuple[str, str]]: ...


@dataclass
class FactCollector:
    """Writes facts and dead letters; keeps account of how far each partition has been read."""

    writers: dict[str, PartWriter] = field(default_factory=dict)
    blocks: dict[str, list[list[Any]]] = field(default_factory=dict)
    failures: list[tuple[str, NisbaError]] = field(default_factory=list)

    def add(self, element: DecodedBlock) -> None:
        folder = element.read.task.folder
        writer = self.writers.setdefault(folder, PartWriter(folder))
        if element.read.failure is not None:
            self.failures.append((folder, element.read.failure))
        if element.decoded is None or element.read.block is None:
            return
        letters = element.decoded.dead_letters
        writer.add({**element.decoded.facts, DEAD_LETTERS: letters})
        if element.read.block.corrupt is not None:
            writer.add({DEAD_LETTERS: element.read.block.corrupt})
        self.blocks.setdefault(folder, []).append(_account(element.read.block, element.decoded))

    def entries(self) -> Iterator[tuple[str, str]]:
        for folder, writer in self.writers.items():
            failures = [_as_data(failure) for owner, failure in self.failures if owner == folder]
            yield folder, json.dumps({"parts": writer.finish(), "blocks": self.blocks.get(folder, []), "failures": failures})


def _account(block: Block, decoded: Decoded) -> list[Any]:
    """Return [topic, partition, next offset, records, latest records, refused ones among those]."""
    records = block.records
    latest, refused = latest_refusals(records.offsets, decoded.dead_letters["kafka_offset"].to_pylist())
    corrupt = block.corrupt.num_rows if block.corrupt is not None else 0
    return [records.topic, records.partition, block.next_offset, decoded.records + corrupt, latest + corrupt, refused + corrupt]


@dataclass(frozen=True)
class ShardTask:
    """A shard to attribute: its payload, or the file that holds it where workers are elsewhere."""

    folder: str
    config: bytes
    shard: int
    payload: bytes | str


Shard = bytes
"""Folder, configuration and payload in one value: bytes are what a GroupByKey moves cheaply."""

_LENGTHS = struct.Struct("<II")


def loaded(task: ShardTask) -> tuple[int, Shard]:
    """Return the shard's number and everything that attributing it needs."""
    payload = task.payload if isinstance(task.payload, bytes) else Path(task.payload).read_bytes()
    folder = task.folder.encode()
    return task.shard, b"".join([_LENGTHS.pack(len(folder), len(task.config)), folder, task.config, payload])


def unpacked(shard: Shard) -> tuple[str, bytes, memoryview]:
    """Return (folder, configuration, payload) of what `loaded` made; the payload is not copied."""
    view = memoryview(shard)
    folder_end = _LENGTHS.size + _LENGTHS.unpack_from(view)[0]
    config_end = folder_end + _LENGTHS.unpack_from(view)[1]
    return str(view[_LENGTHS.size : folder_end], "utf-8"), bytes(view[folder_end:config_end]), view[config_end:]


@dataclass
class BookCollector:
    """Attributes shards and writes their books."""

    writers: dict[str, PartWriter] = field(default_factory=dict)
    failures: list[tuple[str, NisbaError]] = field(default_factory=list)

    def add(self, element: tuple[int, Iterable[Shard]]) -> None:
        from nisba.attribution import attribute_shard

        for shard in element[1]:
            folder, config, payload = unpacked(shard)
            writer = self.writers.setdefault(folder, PartWriter(folder))
            try:
                writer.add(attribute_shard(payload, msgspec.json.decode(config, type=Config)))
            except NisbaError as failure:
                self.failures.append((folder, failure))

    def entries(self) -> Iterator[tuple[str, str]]:
        for folder, writer in self.writers.items():
            failures = [_as_data(failure) for owner, failure in self.failures if owner == folder]
            yield folder, json.dumps({"parts": writer.finish(), "failures": failures})


def write_run(folder: str, entries: Iterable[str]) -> None:
    """Write the manifest of a run."""
    write_manifest(folder, [json.loads(entry) for entry in entries])


def raise_failures(entries: Iterable[Entry]) -> None:
    """Raise the first error that a worker met on purpose."""
    for entry in entries:
        for name, arguments in entry["failures"]:
            raise getattr(errors, name)(*arguments)


def _as_data(failure: NisbaError) -> tuple[str, list[Any]]:
    return type(failure).__name__, list(failure.args)
