"""Beam wiring, and nothing but: every DoFn calls one function of another module.

Elements are blocks of records and shards of accounts, never single events. Each element carries what its work needs (source,
folder, configuration), so that the same classes run in this process and on a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipelines import work

__all__ = ["AttributeShards", "DecodeBlocks", "ReadRanges", "ShardByAccount", "WriteFacts", "WriteManifest"]

Entries = tuple[str, str]
"""(folder of the run, an entry of its manifest as JSON)"""


class ReadRanges(beam.DoFn):
    """Spans of a log, or files → blocks of records."""

    def process(self, task: work.ReadTask) -> Iterator[work.ReadBlock]:
        yield from work.read_blocks(task)


class DecodeBlocks(beam.DoFn):
    """Blocks of records → facts and dead letters."""

    def process(self, block: work.ReadBlock) -> Iterator[work.DecodedBlock]:
        yield work.decoded(block)


class _Collect(beam.DoFn):
    """Hands elements to a collector, and its manifest entries on when the bundle ends."""

    def start_bundle(self) -> None:
        self.collector = self.new_collector()

    def new_collector(self) -> work.Collector:
        raise NotImplementedError

    def process(self, element: Any) -> None:
        self.collector.add(element)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for entry in self.collector.entries():
            yield WindowedValue(entry, GlobalWindow().max_timestamp(), (GlobalWindow(),))


class WriteFacts(_Collect):
    """Facts and dead letters → parts."""

    def new_collector(self) -> work.Collector:
        return work.FactCollector()


class ShardByAccount(beam.DoFn):
    """Shard tasks → (shard, everything about its accounts)."""

    def process(self, task: work.ShardTask) -> Iterator[tuple[int, work.Shard]]:
        yield work.loaded(task)


class AttributeShards(_Collect):
    """(shard, its payloads) → books → parts."""

    def new_collector(self) -> work.Collector:
        return work.BookCollector()


class WriteManifest(beam.DoFn):
    """(folder, all its entries) → the manifest."""

    def process(self, collected: tuple[str, Iterable[str]]) -> None:
        work.write_run(*collected)
