"""Parts and manifests: how a pipeline hands its rows to the loader.

A part is one Arrow IPC file, written under a unique name and renamed when complete. A manifest lists the parts that
count; it is written once, at the end of a run. A worker that dies, or runs twice, leaves parts that no manifest names:
they are never read, and removed when the next run starts. Nothing here is durable, and nothing need be: until the
loader has committed, the events are still where they came from.

An error that nisba raises on purpose travels in the manifest as data, to be raised again where the run was started: a runner would
turn it into a page of stack traces. Every other exception is the runner's to retry or to report.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from nisba import errors
from nisba.errors import NisbaError
from pipelines.circuit_breaker import Outcome

__all__ = [
    "BlockAccount",
    "BundleParts",
    "Entry",
    "Failure",
    "PartWriter",
    "merged_parts",
    "new_run_folder",
    "read_manifest",
    "remove_leftovers",
    "remove_run_folder",
    "work_folder",
    "write_manifest",
    "write_part",
]

MANIFEST = "manifest.json"
ROWS_PER_PART = 250_000
"""A part is closed at this many rows: large enough for the loader to be fast, small enough for memory."""


class BlockAccount(NamedTuple):
    """How far a block of records leads, and what became of it."""

    topic: str
    partition: int
    next_offset: int | None
    records: int
    latest: Outcome
    """Of the latest of its records, for the circuit breaker."""


class Failure(NamedTuple):
    """An error of `nisba.errors` as data."""

    name: str
    arguments: list[Any]

    @classmethod
    def of(cls, error: NisbaError) -> Failure:
        return cls(type(error).__name__, list(error.args))

    def error(self) -> NisbaError:
        """Return the error that it was."""
        found: NisbaError = getattr(errors, self.name)(*self.arguments)
        return found


class Entry(msgspec.Struct):
    """What one worker adds to the manifest."""

    parts: dict[str, list[str]]
    """Name of the rows → file names."""
    blocks: list[BlockAccount] = []
    failures: list[Failure] = []


def work_folder(warehouse: str | Path) -> Path:
    """Return the folder beside the warehouse in which runs keep their parts."""
    path = Path(warehouse)
    return path.with_name(path.name + ".work")


def remove_leftovers(warehouse: str | Path) -> None:
    """Remove what runs that did not end left behind. Only the holder of the writer's lease may."""
    shutil.rmtree(work_folder(warehouse), ignore_errors=True)


def new_run_folder(warehouse: str | Path) -> Path:
    """Make an empty folder for one run."""
    folder = work_folder(warehouse) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


def remove_run_folder(folder: str | Path) -> None:
    """Remove what one run wrote: it is committed, or it does not count."""
    shutil.rmtree(folder, ignore_errors=True)


def write_part(folder: str | Path, name: str, table: pa.Table) -> str:
    """Write a table as one part; returns the file's name."""
    table = table.unify_dictionaries()  # a file holds one dictionary for each column
    path = Path(folder) / f"{name}-{uuid.uuid4().hex}.arrow"
    hidden = path.with_suffix(".tmp")
    with pa.OSFile(str(hidden), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    os.replace(hidden, path)
    return path.name


def write_manifest(folder: str | Path, entries: Iterable[bytes]) -> None:
    """Write the list of everything that counts, from entries as JSON; complete or not at all."""
    path = Path(folder) / MANIFEST
    hidden = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    hidden.write_bytes(b"[" + b",".join(entries) + b"]")
    os.replace(hidden, path)


def read_manifest(folder: str | Path) -> list[Entry]:
    """Return the entries of a finished run. Raises the first error that a worker met on purpose."""
    entries = msgspec.json.decode((Path(folder) / MANIFEST).read_bytes(), type=list[Entry])
    for failure in (failure for entry in entries for failure in entry.failures):
        raise failure.error()
    return entries


def merged_parts(folder: str | Path, entries: Iterable[Entry]) -> dict[str, list[Path]]:
    """Return the paths of all parts by name, in the order of the manifest."""
    merged: dict[str, list[Path]] = {}
    for entry in entries:
        for name, files in entry.parts.items():
            merged.setdefault(name, []).extend(Path(folder) / file for file in files)
    return merged


@dataclass
class PartWriter:
    """Collects tables by name and writes them as few parts: one small file per block would cost more than the rows."""

    folder: str
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Take the rows of some tables; empty ones are left out."""
        for name, table in tables.items():
            if table.num_rows == 0:
                continue
            self.tables.setdefault(name, []).append(table)
            self.rows[name] = self.rows.get(name, 0) + table.num_rows
            if self.rows[name] >= ROWS_PER_PART:
                self._close(name)

    def finish(self) -> dict[str, list[str]]:
        """Write what is left; returns name → file names."""
        for name in list(self.tables):
            self._close(name)
        return self.parts

    def _close(self, name: str) -> None:
        table = pa.concat_tables(self.tables.pop(name))
        self.rows.pop(name)
        self.parts.setdefault(name, []).append(write_part(self.folder, name, table))


@dataclass
class _RunParts:
    """What one bundle of elements has made for one run."""

    writer: PartWriter
    blocks: list[BlockAccount] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass
class BundleParts:
    """What one bundle of elements has made, by the folder of the run that it belongs to."""

    runs: dict[str, _RunParts] = field(default_factory=dict)

    def add(self, folder: str, tables: Mapping[str, pa.Table], block: BlockAccount | None = None) -> None:
        """Take the rows of some tables, and the account of the block that they came from, if from one."""
        run = self._run(folder)
        run.writer.add(tables)
        if block is not None:
            run.blocks.append(block)

    def fail(self, folder: str, error: NisbaError) -> None:
        """Take an error that was raised on purpose."""
        self._run(folder).failures.append(Failure.of(error))

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """Write what is left; yields (folder, entry of its manifest as JSON)."""
        for folder, run in self.runs.items():
            yield folder, msgspec.json.encode(Entry(run.writer.finish(), run.blocks, run.failures))

    def _run(self, folder: str) -> _RunParts:
        return self.runs.setdefault(folder, _RunParts(PartWriter(folder)))
