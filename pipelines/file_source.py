"""A directory of events as a bounded source: `*.jsonl`, `*.jsonl.gz`, `*.jsonl.zst` and `*.parquet`, at any depth.

A line is a record, its 0-based number the offset, the file's path inside the directory the topic. Blank lines are
skipped, a byte order mark at the beginning of a file is read over. Landing a directory twice lands nothing new: identities tell.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from nisba.errors import SourceError
from pipelines.sources import BLOCK_RECORDS, Block, Committed, Span
from schemas.records import BYTE_ORDER_MARK, RecordBlock

__all__ = ["DirectorySource", "event_files", "lines_of"]

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_EXPECTED = ", ".join("*" + suffix for suffix in SUFFIXES)
BYTES_PER_RECORD = {".jsonl": 300, ".gz": 50, ".zst": 40, ".parquet": 40}
"""A rough size of one event, by last suffix: it only decides how many files go into one transaction."""


def event_files(directory: str | Path) -> list[Path]:
    """Return the event files below a directory, relative to it, in the order of their names' bytes.

    A single file is accepted as well. Raises SourceError where there is none.
    """
    root = Path(directory)
    if root.is_file():
        if not root.name.endswith(SUFFIXES):
            raise SourceError(f"{directory}: no event file; expected {_EXPECTED}")
        return [Path(root.name)]
    if not root.is_dir():
        raise SourceError(f"{directory}: no such folder; name one that holds *.jsonl or *.parquet files")
    found = [path.relative_to(root) for path in root.rglob("*") if path.is_file() and path.name.endswith(SUFFIXES)]
    if not found:
        raise SourceError(f"{directory}: no event files in it; expected {_EXPECTED}")
    return sorted(found, key=lambda path: path.as_posix().encode())


@dataclass(frozen=True)
class DirectorySource:
    """All event files of a directory, each read whole."""

    directory: str

    def rounds(self, committed: Committed, limit: int) -> Iterator[list[Span]]:
        """Group whole files until their sizes suggest `limit` records."""
        group: list[Span] = []
        for path in event_files(self.directory):
            span = Span(path.as_posix(), 0, 0, max(1, self._path(path.as_posix()).stat().st_size // BYTES_PER_RECORD[path.suffix]))
            if group and sum(other.end for other in group) + span.end > limit:
                yield group
                group = []
            group.append(span)
        yield group

    def read(self, spans: list[Span]) -> Iterator[Block]:
        """Read files one after the other."""
        for span in spans:
            path = self._path(span.topic)
            blocks = _rows(path, span.topic) if path.suffix == ".parquet" else _lines(path, span.topic)
            yield from (Block(records) for records in blocks)

    def values(self, topic: str) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, bytes) of every record of one file."""
        for block in self.read([Span(topic, 0, 0, 0)]):
            for offset, value in zip(block.records.offsets, block.records.values, strict=True):
                if value is not None:
                    yield offset, value

    def acknowledge(self, committed: Committed) -> None:
        """Files keep no offsets."""

    def _path(self, topic: str) -> Path:
        root = Path(self.directory)
        return root if root.is_file() else root / topic


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (0-based number, bytes without the line's end) of every line that is not blank; raises SourceError."""
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream):
                stripped = (line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line).rstrip(b"\r\n")
                if stripped.strip():
                    yield number, stripped
    except (OSError, EOFError, pa.ArrowException) as error:
        raise SourceError(f"{path}: cannot be read to its end ({error}); nothing of it counts: replace the file and start again") from None


def _lines(path: Path, topic: str) -> Iterator[RecordBlock]:
    lines = lines_of(path)
    while block := list(islice(lines, BLOCK_RECORDS)):
        yield _block(topic, [number for number, _ in block], [value for _, value in block])


def _rows(path: Path, topic: str) -> Iterator[RecordBlock]:
    from schemas.encoding import table_records

    first = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(BLOCK_RECORDS):
            yield table_records(pa.Table.from_batches([batch]), topic, first)
            first += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path}: is not a Parquet file that can be read ({error}); replace it and start again") from None


def _block(topic: str, offsets: list[int], values: list[bytes]) -> RecordBlock:
    absent = [None] * len(values)
    return RecordBlock(topic, 0, offsets, cast("list[bytes | None]", values), list(absent), list(absent), list(absent))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            yield cast("IO[bytes]", stream)
    elif path.suffix == ".zst":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as compressed:
            yield io.BufferedReader(cast("io.RawIOBase", compressed))
    else:
        with path.open("rb") as stream:
            yield stream
