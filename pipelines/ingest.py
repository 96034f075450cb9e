"""Ingest: from a source into the ledger, exactly once.

Per round: plan → ReadRanges → DecodeBlocks → parts and manifest → one transaction with facts, dead letters and offsets.
A round that fails leaves nothing behind; the next one starts from what is committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from nisba.config import Config
from nisba.errors import TooManyDeadLetters
from pipelines import parts
from pipelines.blocks import DEAD_LETTERS, UNKNOWN_FIELDS, ReadTask
from pipelines.circuit_breaker import CircuitBreaker, Outcome
from pipelines.parts import BlockAccount
from pipelines.runner import Runner
from pipelines.sources import Source, Span
from pipelines.transforms import DecodeBlocks, ReadRanges, WriteFacts, WriteManifest
from warehouse import loader
from warehouse.dead_letters import place_of

if TYPE_CHECKING:
    import duckdb

__all__ = ["ROUND_RECORDS", "IngestReport", "ingest", "ingest_graph"]

ROUND_RECORDS = 500_000
"""Records in one transaction when there is a backlog: what memory holds comfortably."""


@dataclass
class IngestReport:
    """What was landed."""

    rounds: int = 0
    records: int = 0
    facts: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    is_cut_short: bool = False
    """Ended between two rounds, because it was asked to: there is more to read."""

    def add(self, counts: loader.LandCounts) -> None:
        """Add one round."""
        self.rounds += 1
        self.records += counts.records
        self.facts += counts.facts
        self.duplicates += counts.duplicates
        self.conflicts += counts.conflicts
        self.dead_letters += counts.dead_letters


def ingest_graph(tasks: beam.PCollection[Any]) -> Any:
    """Wire tasks → blocks → facts → parts → manifest."""
    return (
        tasks
        | "ReadRanges" >> beam.ParDo(ReadRanges())
        | "DecodeBlocks" >> beam.ParDo(DecodeBlocks())
        | "WriteFacts" >> beam.ParDo(WriteFacts()).with_output_types(tuple[str, bytes])
        | "CollectParts" >> beam.GroupByKey()
        | "WriteManifest" >> beam.ParDo(WriteManifest())
    )


def ingest(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    config: Config,
    *,
    runner: Runner | None = None,
    breaker: CircuitBreaker | None = None,
    on_round: Callable[[IngestReport], None] = lambda _: None,
    is_to_leave: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Land what a source has now, in rounds, each of them one transaction; return what was landed.

    `is_to_leave` is asked between rounds. With a circuit breaker, too many dead letters raise TooManyDeadLetters, and the round that
    has them is not committed. Raises what the source raises, and OffsetConflict.
    """
    report, runner = IngestReport(), runner or Runner.from_environment()
    parts.remove_leftovers(config.warehouse.path)
    for spans in filter(None, source.rounds(loader.committed_offsets(con), ROUND_RECORDS)):
        if report.rounds and is_to_leave():
            report.is_cut_short = True
            break
        folder = parts.new_run_folder(config.warehouse.path)
        try:
            read = _read_round(source, spans, folder, config, runner)
            report.add(_land_round(con, source, read, breaker))
        finally:
            parts.remove_run_folder(folder)
        on_round(report)
    return report


@dataclass(frozen=True)
class _Round:
    """What was read of some spans, in parts that are not landed yet."""

    blocks: list[BlockAccount]
    facts: dict[str, list[Path]]
    dead_letters: list[Path]
    unknown_fields: list[Path]
    offsets: list[loader.OffsetRange]


def _read_round(source: Source, spans: Sequence[Span], folder: Path, config: Config, runner: Runner) -> _Round:
    """Read and decode spans, divided among the runner's tasks."""
    groups = [tuple(spans[number :: runner.tasks]) for number in range(runner.tasks)]
    runner.run(ingest_graph, [ReadTask(str(folder), source, group, config.kafka.max_record_bytes) for group in groups if group])
    entries = parts.read_manifest(folder)
    blocks = [block for entry in entries for block in entry.blocks]
    facts = parts.merged_parts(folder, entries)
    return _Round(blocks, facts, facts.pop(DEAD_LETTERS, []), facts.pop(UNKNOWN_FIELDS, []), list(_offsets(spans, blocks)))


def _land_round(con: duckdb.DuckDBPyConnection, source: Source, read: _Round, breaker: CircuitBreaker | None) -> loader.LandCounts:
    """Commit a round; whoever remembers of it (the circuit breaker, the broker's group) is told afterwards."""
    window = None if breaker is None else _judged(breaker, read)
    records = sum(block.records for block in read.blocks)
    counts = loader.land(
        con, facts=read.facts, dead_letters=read.dead_letters, offsets=read.offsets, records=records, unknown_fields=read.unknown_fields
    )
    if breaker is not None and window is not None:
        breaker.window = window
    source.acknowledge({(span.topic, span.partition): span.next for span in read.offsets})
    return counts


def _judged(breaker: CircuitBreaker, read: _Round) -> deque[Outcome]:
    """Return what to remember of the latest records; raises TooManyDeadLetters with one of them: none will be in the warehouse."""
    try:
        return breaker.after(block.latest for block in read.blocks)
    except TooManyDeadLetters as error:
        example = loader.rows(read.dead_letters).slice(0, 1).to_pylist()[0]
        shown = f"{place_of(example)} ({example['error_class']}: {example['message'][:200]})"
        raise TooManyDeadLetters(error.refused, error.records, error.limit_pct, shown) from None


def _offsets(spans: Iterable[Span], blocks: Iterable[BlockAccount]) -> Iterator[loader.OffsetRange]:
    """Return how far each partition was read; files have no offsets to keep."""
    committed = {(span.topic, span.partition): span.committed for span in spans}
    reached: dict[tuple[str, int], int] = {}
    for block in blocks:
        place = (block.topic, block.partition)
        if block.next_offset is not None:
            reached[place] = max(block.next_offset, reached.get(place, 0))
    for (topic, partition), next_offset in reached.items():
        if next_offset != committed[topic, partition]:
            yield loader.OffsetRange(topic, partition, committed[topic, partition], next_offset)
