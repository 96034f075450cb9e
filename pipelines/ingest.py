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
from pipelines.dead_letters import Refusals
from pipelines.runner import Runner
from pipelines.sources import Source, Span
from pipelines.transforms import DecodeBlocks, ReadRanges, WriteFacts, WriteManifest
from pipelines.work import DEAD_LETTERS, ReadTask, raise_failures
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


def ingest_graph(tasks: beam.PCollection[Any]) -> Any:
    """Wire tasks → blocks → facts → parts → manifest."""
    return (
        tasks
        | "ReadRanges" >> beam.ParDo(ReadRanges())
        | "DecodeBlocks" >> beam.ParDo(DecodeBlocks())
        | "WriteFacts" >> beam.ParDo(WriteFacts()).with_output_types(tuple[str, str])
        | "CollectParts" >> beam.GroupByKey()
        | "WriteManifest" >> beam.ParDo(WriteManifest())
    )


def ingest(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    config: Config,
    *,
    runner: Runner | None = None,
    refusals: Refusals | None = None,
    on_round: Callable[[IngestReport], None] | None = None,
    is_to_leave: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Land what a source has now, in rounds, each of them one transaction; return what was landed.

    `is_to_leave` is asked between rounds. With `refusals`, too many dead letters raise TooManyDeadLetters, and the round that has
    them is not committed. Raises what the source raises, and OffsetConflict.
    """
    report, runner = IngestReport(), runner or Runner.from_environment()
    parts.remove_leftovers(config.warehouse.path)
    for spans in source.rounds(loader.committed_offsets(con), ROUND_RECORDS):
        if not spans:
            continue
        if report.rounds and is_to_leave():
            report.is_cut_short = True
            break
        folder = parts.new_run_folder(config.warehouse.path)
        try:
            _round(con, source, config, spans, folder, runner, refusals, report)
        finally:
            parts.remove_run_folder(folder)
        if on_round is not None:
            on_round(report)
    return report


def _round(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    config: Config,
    spans: Sequence[Span],
    folder: Path,
    runner: Runner,
    refusals: Refusals | None,
    report: IngestReport,
) -> None:
    groups = [tuple(spans[number :: runner.tasks]) for number in range(runner.tasks)]
    runner.run(ingest_graph, [ReadTask(str(folder), source, group, config.kafka.max_record_bytes) for group in groups if group])
    entries = parts.read_manifest(folder)
    raise_failures(entries)
    blocks = [block for entry in entries for block in entry["blocks"]]
    facts = parts.merged_parts(folder, entries)
    letters = facts.pop(DEAD_LETTERS, None)
    latest = None if refusals is None else _judged(refusals, blocks, letters or ())
    offsets = list(_offsets(spans, blocks))
    records = sum(block[3] for block in blocks)
    _add(report, loader.land(con, facts=facts, dead_letters=letters, offsets=offsets, records=records))
    if refusals is not None and latest is not None:
        refusals.blocks = latest
    source.acknowledge({(span.topic, span.partition): span.next for span in offsets})


def _judged(refusals: Refusals, blocks: Iterable[Sequence[Any]], letters: Sequence[Path]) -> deque[tuple[int, int]]:
    """Return what to remember of the latest records; raises TooManyDeadLetters with one of them: none will be in the warehouse."""
    try:
        return refusals.after((latest, refused) for *_, latest, refused in blocks)
    except TooManyDeadLetters as error:
        example = loader.rows(letters).slice(0, 1).to_pylist()[0]
        shown = f"{place_of(example)} ({example['error_class']}: {example['message'][:200]})"
        raise TooManyDeadLetters(error.refused, error.records, error.limit_pct, shown) from None


def _offsets(spans: Iterable[Span], blocks: Iterable[Sequence[Any]]) -> Iterator[loader.OffsetRange]:
    """Return how far each partition was read; files have no offsets to keep."""
    committed = {(span.topic, span.partition): span.committed for span in spans}
    reached: dict[tuple[str, int], int] = {}
    for topic, partition, next_offset, *_ in blocks:
        if next_offset is not None:
            reached[topic, partition] = max(next_offset, reached.get((topic, partition), 0))
    for (topic, partition), next_offset in reached.items():
        if next_offset != committed[topic, partition]:
            yield loader.OffsetRange(topic, partition, committed[topic, partition], next_offset)


def _add(report: IngestReport, counts: loader.LandCounts) -> None:
    report.rounds += 1
    report.records += counts.records
    report.facts += counts.facts
    report.duplicates += counts.duplicates
    report.conflicts += counts.conflicts
    report.dead_letters += counts.dead_letters
