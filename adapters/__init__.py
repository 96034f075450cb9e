"""Adapters: other systems' exports as nisba's events, one SELECT per event type.

An adapter is a folder of SQL files beside this module, named after fact types (`touch.sql`, `deal.sql`, …). A file's
SELECT reads the export by the bare names of its files and yields `id`, `source`, `time` and the fields of `data`;
columns that are null are left out. `left_out.sql` counts, by reason, what cannot become an event. See docs/adapters.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nisba.errors import SourceError
from schemas.encoding import encode_event
from schemas.events import EVENT_TYPES
from schemas.topics import topic_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Adapter", "Conversion", "adapter", "adapters", "convert"]

_FOLDER = Path(__file__).parent
_LEFT_OUT = "left_out"
_ENVELOPE = ("id", "source", "time")
_BLOCK = 10_000


@dataclass(frozen=True)
class Adapter:
    """An adapter: its name and the SELECT of each fact type."""

    name: str
    queries: dict[str, str]
    left_out: str | None


@dataclass(frozen=True)
class Conversion:
    """What a conversion wrote: events per fact type, and rows left out per reason."""

    directory: Path
    events: dict[str, int]
    left_out: dict[str, int]


def adapters() -> tuple[str, ...]:
    """Return the names of all adapters."""
    return tuple(sorted(folder.name for folder in _FOLDER.iterdir() if any(folder.glob("*.sql"))))


def adapter(name: str) -> Adapter:
    """Return an adapter; raises SourceError, naming those there are, for an unknown one."""
    if name not in adapters():
        raise SourceError(f"there is no adapter {name!r}; there are: {', '.join(adapters())}")
    queries = {file.stem: file.read_text("utf-8") for file in sorted((_FOLDER / name).glob("*.sql"))}
    left_out = queries.pop(_LEFT_OUT, None)
    return Adapter(name, queries, left_out)


def convert(name: str, source_dir: str | Path, out_dir: str | Path) -> Conversion:
    """Write the events of an export as `<topic>.jsonl` files into `out_dir`, replacing files of these names.

    Raises SourceError when a file or column is missing, or a row has no `id` or an instant without an offset.
    """
    chosen, source = adapter(name), Path(source_dir).resolve()
    if not source.is_dir():
        raise SourceError(f"{source} is no folder: adapter {name} reads the files of an export from it")
    directory = Path(out_dir)
    directory.mkdir(parents=True, exist_ok=True)
    with _reading(source) as connection:
        left_out = dict(_rows(connection, name, _LEFT_OUT, chosen.left_out)) if chosen.left_out else {}
        events = _write_all(connection, chosen, directory)
    return Conversion(directory, events, left_out)


def _reading(source: Path) -> DuckDBPyConnection:
    """Open a connection in which the export's files have their bare names; nothing else is fetched."""
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("set file_search_path = $folder", {"folder": str(source)})
    return connection


def _write_all(connection: DuckDBPyConnection, chosen: Adapter, directory: Path) -> dict[str, int]:
    """Write each fact type to the file of its topic; nothing is left or replaced when one of them fails."""
    counts, parts = {}, {}
    try:
        for fact_type, query in chosen.queries.items():
            event_type, topic = _event_type(chosen.name, fact_type)
            final = directory / f"{topic}.jsonl"
            part = directory / f"{topic}.jsonl.part"
            mode = "ab" if part in parts else "wb"
            parts[part] = final
            with part.open(mode) as file:
                counts[fact_type] = _write(file, _lines(connection, chosen.name, fact_type, event_type, query))
        for part, final in parts.items():
            part.replace(final)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return counts


def _write(file: IO[bytes], lines: Iterator[bytes]) -> int:
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007  the last number is the count
        file.write(line + b"\n")
    return count


def _event_type(name: str, fact_type: str) -> tuple[str, str]:
    by_fact_type = {declared.fact_type: event_type for event_type, declared in EVENT_TYPES.items()}
    if fact_type not in by_fact_type:
        raise SourceError(f"adapter {name}: {fact_type}.sql is named after no fact type; there are: {', '.join(by_fact_type)}")
    event_type = by_fact_type[fact_type]
    return event_type, topic_of(event_type).name


def _lines(connection: DuckDBPyConnection, name: str, fact_type: str, event_type: str, query: str) -> Iterator[bytes]:
    columns: list[str] = []
    for row in _rows(connection, name, fact_type, query, columns):
        fields = dict(zip(columns, row, strict=True))
        _check(fields, f"adapter {name}, {fact_type}.sql")
        event_id, source, time = (str(fields.pop(column)) for column in _ENVELOPE)
        yield encode_event(event_type, event_id, source, time, fields)[1]


def _check(fields: dict[str, Any], where: str) -> None:
    missing = [column for column in _ENVELOPE if fields.get(column) is None]
    if missing:
        raise SourceError(f"{where}: a row has no {' and no '.join(missing)}: {fields}")
    for column, value in fields.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise SourceError(f"{where}: {column} is a time without an offset: write it as text with one")


def _rows(
    connection: DuckDBPyConnection, name: str, fact_type: str, query: str, columns: list[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query; `columns` is filled with its columns' names."""
    import duckdb

    try:
        result = connection.execute(query)
        if columns is not None:
            columns.extend(column[0] for column in result.description or ())
        while block := result.fetchmany(_BLOCK):
            yield from block
    except duckdb.Error as error:
        raise SourceError(_explain(name, fact_type, str(error))) from None


def _explain(name: str, fact_type: str, message: str) -> str:
    """Say which file or column the export lacks, instead of how DuckDB found out."""
    where = f"adapter {name}, {fact_type}.sql"
    if file := re.search(r'No files found that match the pattern "([^"]+)"', message):
        return f"{where}: the export has no file {file[1]}"
    if column := re.search(r'[Cc]olumn "?([\w.]+)"?[^.]*(?:not found|does not exist|does not have|cannot be referenced before)', message):
        return f"{where}: the export has no column {column[1]} where it is expected; is it another version of the export?"
    return f"{where}: {message.splitlines()[0]}"
