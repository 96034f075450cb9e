"""A directory of events: which files, in which order, what a record is, and what cannot be read."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from nisba.errors import SourceError
from pipelines import file_source
from pipelines.file_source import DirectorySource, event_files, lines_of
from pipelines.sources import Block, Span
from tests.kafka_records import touch

LINES = b'{"n":1}\n\n  \r\n{"n":2}\r\n{"n":3}'
RECORDS = [(0, b'{"n":1}'), (3, b'{"n":2}'), (4, b'{"n":3}')]


def packed(suffix: str, content: bytes) -> bytes:
    if suffix == ".jsonl.gz":
        return gzip.compress(content)
    return zstandard.compress(content) if suffix == ".jsonl.zst" else content


def read(directory: Path) -> list[Block]:
    source = DirectorySource(str(directory))
    return [block for spans in source.rounds({}, 1_000_000) for block in source.read(spans)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_line_is_a_record_and_blank_lines_are_passed(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"events{suffix}"
    file.write_bytes(packed(suffix, LINES))
    assert list(lines_of(file)) == RECORDS
    (block,) = read(tmp_path)
    assert list(zip(block.records.offsets, block.records.values, strict=True)) == RECORDS
    assert (block.records.topic, block.records.partition, block.next_offset, block.corrupt) == (f"events{suffix}", 0, None, None)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_byte_order_mark_at_the_beginning_of_a_file_is_read_over(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"events{suffix}"
    file.write_bytes(packed(suffix, b"\xef\xbb\xbf" + LINES))
    assert list(lines_of(file)) == RECORDS
    file.write_bytes(packed(suffix, b"\xef\xbb\xbf\r\n" + LINES))
    assert list(lines_of(file)) == [(number + 1, value) for number, value in RECORDS], "a line of it alone is a blank one"


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
def test_files_without_a_record_have_no_block(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"events{suffix}").write_bytes(packed(suffix, content))
    assert read(tmp_path) == []


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst"])
def test_file_that_was_cut_off_is_named_and_nothing_of_it_counts(tmp_path: Path, suffix: str) -> None:
    whole = packed(suffix, b"".join(touch(number).value + b"\n" for number in range(2_000)))
    (tmp_path / f"events{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=rf"events{suffix}: cannot be read to its end .*replace the file and start again"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["nisba.toml", "events", "events.json", "events.jsonl.bz2"])
def test_file_that_is_no_event_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(LINES)
    with pytest.raises(SourceError, match=rf"{name}: no event file; expected \*\.jsonl, "):
        read(tmp_path / name)


def test_file_that_is_not_what_its_name_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl.gz").write_bytes(LINES)
    with pytest.raises(SourceError, match=r"events\.jsonl\.gz"):
        read(tmp_path)
    (tmp_path / "events.jsonl.gz").unlink()
    (tmp_path / "events.parquet").write_bytes(LINES)
    with pytest.raises(SourceError, match=r"events\.parquet: is not a Parquet file that can be read"):
        read(tmp_path)


def test_long_files_are_cut_into_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "BLOCK_RECORDS", 2)
    (tmp_path / "events.jsonl").write_bytes(LINES)
    assert [block.records.offsets for block in read(tmp_path)] == [[0, 3], [4]]


def test_parquet_rows_become_the_events_that_their_columns_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "BLOCK_RECORDS", 2)
    rows = [{"type": "nisba.touch.v1", "id": f"t-{number}", "source": "web", "time": "2026-01-01T00:00:00Z"} for number in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "touches.parquet")
    blocks = read(tmp_path)
    assert [block.records.offsets for block in blocks] == [[0, 1], [2]]
    assert all(b'"t-2"' in value for value in blocks[1].records.values if value is not None)


def test_files_are_found_at_any_depth_in_the_order_of_their_names_bytes(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a/z.parquet", "a.jsonl", "a/b/c.jsonl.gz", "é.jsonl", "Z.jsonl", "notes.txt", "events.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "folder.jsonl").mkdir()
    found = [path.as_posix() for path in event_files(tmp_path)]
    assert found == ["Z.jsonl", "a.jsonl", "a/b/c.jsonl.gz", "a/z.parquet", "b.jsonl", "é.jsonl"]


def test_one_file_is_a_directory_of_one(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINES)
    (tmp_path / "other.jsonl").write_bytes(LINES)
    source = DirectorySource(str(tmp_path / "events.jsonl"))
    assert event_files(tmp_path / "events.jsonl") == [Path("events.jsonl")]
    assert list(source.values("events.jsonl")) == RECORDS


@pytest.mark.parametrize(("name", "said"), [("nowhere", "no such folder"), (".", "no event files in it; expected \\*\\.jsonl, ")])
def test_folder_without_events_is_said(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        event_files(tmp_path / name)


def test_rounds_are_whole_files_of_about_as_many_records_as_asked(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.jsonl").write_bytes(b"x" * 300 * 10)  # as large as ten records
    source = DirectorySource(str(tmp_path))
    assert [[span.topic for span in spans] for spans in source.rounds({}, 20)] == [["a.jsonl", "b.jsonl"], ["c.jsonl", "d.jsonl"]]
    assert [[span.topic for span in spans] for spans in source.rounds({}, 1)] == [["a.jsonl"], ["b.jsonl"], ["c.jsonl"], ["d.jsonl"]]
    assert [len(spans) for spans in source.rounds({}, 1_000)] == [4]


def test_source_travels_to_a_worker(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINES)
    source = pickle.loads(pickle.dumps(DirectorySource(str(tmp_path))))
    (block,) = source.read([Span("events.jsonl", 0, 0, 1)])
    assert block.records.values == [value for _, value in RECORDS]
