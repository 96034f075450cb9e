"""Beam wiring, and nothing but: every DoFn calls the function of its name in another module, and counts elements in and out.

Elements are blocks of records and shards of accounts, never single events. Each element carries what its work needs (source,
folder, configuration), so that the same classes run in this process and on a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.blocks import DecodedBlock, ReadBlock, ReadTask, decode_blocks, read_ranges, write_facts
from pipelines.parts import BundleParts, write_manifest
from pipelines.shards import Shard, ShardTask, attribute_shards, shard_by_account

__all__ = ["AttributeShards", "DecodeBlocks", "ReadRanges", "ShardByAccount", "WriteFacts", "WriteManifest", "counted"]

Element = TypeVar("Element")


def counted(do_fn: beam.DoFn, made: Iterable[Element], *, taken: int = 1) -> Iterator[Element]:
    """Pass on what a DoFn made, and count it: `elements_in` and `elements_out` under the DoFn's name."""
    _count(do_fn, "elements_in", taken)
    for element in made:
        _count(do_fn, "elements_out")
        yield element


def _count(do_fn: beam.DoFn, name: str, elements: int = 1) -> None:
    Metrics.counter(type(do_fn).__name__, name).inc(elements)


class ReadRanges(beam.DoFn):
    """Spans of a log, or files → blocks of records."""

    def process(self, task: ReadTask) -> Iterator[ReadBlock]:
        return counted(self, read_ranges(task))


class DecodeBlocks(beam.DoFn):
    """Blocks of records → facts and dead letters."""

    def process(self, block: ReadBlock) -> Iterator[DecodedBlock]:
        return counted(self, decode_blocks(block))


class _WriteParts(beam.DoFn):
    """Adds elements to the parts of their bundle, and hands on the manifest's entries when it ends."""

    def start_bundle(self) -> None:
        self.parts, self.taken = BundleParts(), 0

    def process(self, element: Any) -> None:
        self.write(element)
        self.taken += 1

    def write(self, element: Any) -> None:
        raise NotImplementedError

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        for entry in counted(self, self.parts.entries(), taken=self.taken):
            yield WindowedValue(entry, window.max_timestamp(), (window,))


class WriteFacts(_WriteParts):
    """Facts and dead letters → parts."""

    def write(self, element: DecodedBlock) -> None:
        write_facts(self.parts, element)


class ShardByAccount(beam.DoFn):
    """Shard tasks → (shard, everything about its accounts)."""

    def process(self, task: ShardTask) -> Iterator[tuple[int, Shard]]:
        return counted(self, shard_by_account(task))


class AttributeShards(_WriteParts):
    """(shard, its payloads) → books → parts."""

    def write(self, element: tuple[int, Iterable[Shard]]) -> None:
        attribute_shards(self.parts, element)


class WriteManifest(beam.DoFn):
    """(folder, all its entries) → the manifest."""

    def process(self, collected: tuple[str, Iterable[bytes]]) -> None:
        write_manifest(*collected)
        _count(self, "elements_in")
