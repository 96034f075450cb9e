"""Blocks on their way into the ledger: what is read, decoded and written, without Beam and without a warehouse."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from nisba.errors import BrokerError, SourceError
from pipelines.blocks import DEAD_LETTERS, UNKNOWN_FIELDS, ReadBlock, ReadTask, account_of, decode_blocks, read_ranges, write_facts
from pipelines.broker.corrupt_batches import corrupt_dead_letters
from pipelines.circuit_breaker import Outcome
from pipelines.file_source import DirectorySource
from pipelines.parts import BlockAccount, BundleParts, Entry, merged_parts
from pipelines.sources import Block, Span
from tests.unit.pipelines.events import BROKEN, TOPIC, MemorySource, record_block, touches, write_events
from warehouse.loader import rows

LIMIT = 1_000_000


def read_task(source: MemorySource, folder: Path, limit: int = LIMIT) -> ReadTask:
    (spans,) = source.rounds({}, 1_000)
    return ReadTask(str(folder), source, tuple(spans), limit)


def written(task: ReadTask) -> Entry:
    """Run a task through the three functions; return the entry that it leaves in the manifest."""
    bundle = BundleParts()
    for read in read_ranges(task):
        for decoded in decode_blocks(read):
            write_facts(bundle, decoded)
    ((folder, entry),) = bundle.entries()
    assert folder == task.folder
    return msgspec.json.decode(entry, type=Entry)


def test_every_block_is_read_and_the_end_is_said(tmp_path: Path) -> None:
    reads = list(read_ranges(read_task(MemorySource({0: touches(1, 2, 3)}, block_records=2), tmp_path)))
    assert [read.block.records.offsets if read.block else None for read in reads] == [[0, 1], [2], None]
    assert [read.failure for read in reads] == [None, None, None]


def test_failure_on_purpose_travels_behind_the_blocks_before_it(tmp_path: Path) -> None:
    source = MemorySource({0: touches(1, 2, 3)}, block_records=2, failure=BrokerError("away"))
    reads = list(read_ranges(read_task(source, tmp_path)))
    assert [read.block is not None for read in reads] == [True, False]
    assert str(reads[-1].failure) == "away"


def test_any_other_exception_is_the_runners(tmp_path: Path) -> None:
    class Broken(MemorySource):
        def read(self, spans: list[Span]) -> None:  # type: ignore[override]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_ranges(read_task(Broken({0: touches(1)}), tmp_path)))


def test_a_record_becomes_a_fact_or_a_dead_letter(tmp_path: Path) -> None:
    entry = written(read_task(MemorySource({0: [*touches(1, 2), BROKEN, None]}), tmp_path))
    merged = merged_parts(tmp_path, [entry])
    assert set(merged) == {"touch", DEAD_LETTERS}
    assert rows(merged["touch"])["event_id"].to_pylist() == ["t-1", "t-2"]
    assert rows(merged[DEAD_LETTERS])["kafka_offset"].to_pylist() == [2]
    assert entry.blocks == [BlockAccount(TOPIC, 0, 4, 4, Outcome(4, 1))]


def test_unknown_fields_of_every_block_are_in_the_parts(tmp_path: Path) -> None:
    values = [value if value is None else value.replace(b'"channel"', b'"gclid":1,"channel"') for value in touches(1, 2, 3)]
    assert all(value is not None and b"gclid" in value for value in values)
    entry = written(read_task(MemorySource({0: [*values, *touches(4)]}, block_records=2), tmp_path))
    merged = merged_parts(tmp_path, [entry])
    assert set(merged) == {"touch", UNKNOWN_FIELDS}
    assert [tuple(row.values()) for row in rows(merged[UNKNOWN_FIELDS]).to_pylist()] == [
        ("nisba.touch.v1", "gclid", 2),
        ("nisba.touch.v1", "gclid", 1),
    ]


def test_limit_of_a_records_size_is_the_tasks(tmp_path: Path) -> None:
    entry = written(read_task(MemorySource({0: touches(1)}), tmp_path, limit=10))
    letters = rows(merged_parts(tmp_path, [entry])[DEAD_LETTERS])
    assert letters["error_class"].to_pylist() == ["oversized"]


def test_failure_is_in_the_manifest_beside_what_was_read_before_it(tmp_path: Path) -> None:
    source = MemorySource({0: touches(1), 1: touches(2)}, failure=SourceError("gone"))
    entry = written(read_task(source, tmp_path))
    assert [failure.error().args for failure in entry.failures] == [("gone",)]
    assert [block.partition for block in entry.blocks] == [0]


def test_a_task_that_reads_nothing_leaves_an_empty_entry(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events", "empty.jsonl", [])
    source = DirectorySource(str(events))
    (spans,) = source.rounds({}, 10)
    assert written(ReadTask(str(tmp_path), source, tuple(spans), LIMIT)) == Entry({})


def test_the_end_of_a_task_needs_no_decoding(tmp_path: Path) -> None:
    (decoded,) = decode_blocks(ReadBlock(read_task(MemorySource({0: touches(1)}), tmp_path), None))
    assert decoded.decoded is None


def corrupt(*offsets: int) -> pa.Table:
    return corrupt_dead_letters(TOPIC, 0, [(offset, "bad checksum") for offset in offsets])


def test_corrupt_records_are_dead_letters_and_counted_among_the_latest(tmp_path: Path) -> None:
    source = MemorySource({0: [*touches(1, 2, 3), BROKEN]}, corrupt=corrupt(4, 5))
    entry = written(read_task(source, tmp_path))
    letters = rows(merged_parts(tmp_path, [entry])[DEAD_LETTERS])
    assert sorted(zip(letters["kafka_offset"].to_pylist(), letters["error_class"].to_pylist(), strict=True)) == [
        (3, "malformed"),
        (4, "corrupt"),
        (5, "corrupt"),
    ]
    assert entry.blocks == [BlockAccount(TOPIC, 0, 4, 6, Outcome(6, 3))]


def test_a_block_of_nothing_but_corrupt_records_has_an_account() -> None:
    block = Block(record_block([]), 7, corrupt(5, 6))
    read = ReadBlock(ReadTask("", MemorySource({}), (), LIMIT), block)
    (decoded,) = decode_blocks(read)
    assert decoded.decoded is not None
    assert account_of(block, decoded.decoded) == BlockAccount(TOPIC, 0, 7, 2, Outcome(2, 2))
