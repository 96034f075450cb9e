"""Places where a source's tables lie: a folder, one file, a database file (DuckDB, SQLite), a Postgres server.

A table is a file, a folder of files of one kind (as loaders write them), or a table or view of a database. Nothing is ever written there,
and nothing is fetched: the extensions for SQLite and Postgres come as packages, and are loaded by their path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.frame.names import identifier, normal, quoted
from nisba.errors import SourceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["FoundTable", "Place", "open_place"]

_FILE = re.compile(r"(?P<stem>.+?)\.(?P<kind>csv|tsv|parquet|jsonl?|ndjson)(\.gz|\.zst)?", re.IGNORECASE)
_POSTGRES = ("postgres", "postgresql")
_EXTENSIONS = {"postgres": ("postgres_scanner", "nisba[postgres]"), "sqlite": ("sqlite_scanner", "nisba[sqlite]")}
_CATALOGUE = "exported"
_SYSTEM = ("information_schema", "pg_catalog", "pg_toast")
"""Schemas of Postgres itself."""
_UNBOUNDED = """
SELECT namespace.nspname, relation.relname, attribute.attname, attribute.atttypid = 'numeric'::regtype
  AND (attribute.atttypmod = -1 OR ((attribute.atttypmod - 4) >> 16) & 65535 > 38)
FROM pg_attribute AS attribute
JOIN pg_class AS relation ON relation.oid = attribute.attrelid
JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND attribute.attnum > 0 AND NOT attribute.attisdropped
  AND namespace.nspname NOT IN ('information_schema', 'pg_catalog', 'pg_toast')
ORDER BY namespace.nspname, relation.relname, attribute.attnum
"""
"""Columns of Postgres, and whether each is a numeric without bounds, which DuckDB would read as a DOUBLE."""


@dataclass(frozen=True)
class FoundTable:
    """A table of a place: what it is called there, the relation that reads it in SQL, and the folder of files that it is a part of.

    `bare` reads files of text as if they had no header, with these columns; `parts` are its tables where each day has its own.
    """

    name: str
    relation: str
    within: str | None = None
    bare: Callable[[Sequence[str]], str] | None = None
    parts: tuple[FoundTable, ...] = ()


@dataclass(frozen=True)
class Place:
    """A place and its tables, by normal name; `modified_at` is when its newest file changed, None for a server.

    A table of a schema or a folder is known as `<schema>_<table>` too. `unclear` are names that several schemas have.
    """

    text: str
    tables: Mapping[str, FoundTable]
    modified_at: datetime | None
    unclear: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def table(self, name: str) -> FoundTable | None:
        """Return the table of a name, however it is spelt; SourceError where two schemas have one."""
        if normal(name) in self.unclear:
            one, other = self.unclear[normal(name)]
            raise SourceError(f"{self.text}: {one} and {other} are one name of two tables; keep one of them, or name a #schema.")
        return self.tables.get(normal(name))

    def each(self, name: str) -> tuple[FoundTable, ...]:
        """Return the tables of a name with a `*` in it: those that have digits there, in their order."""
        wanted = re.compile("[0-9]+".join(re.escape(normal(part)) for part in name.split("*")))
        return tuple(table for one, table in sorted(self.tables.items()) if wanted.fullmatch(one))

    def names(self) -> str:
        """Return what its tables are called, for a message."""
        return ", ".join(sorted({table.relation: table.name for table in self.tables.values() if table.within is None}.values()))


def open_place(connection: DuckDBPyConnection, where: str) -> Place:
    """Find the tables of a place; a database is attached to the connection, read-only.

    `where` is a path, `lake.duckdb#schema`, or `postgres://host/database#schema`. Raises SourceError where there is nothing to read, or
    two tables have one name.
    """
    path, _, schema = where.partition("#")
    if urlsplit(path).scheme in _POSTGRES:
        _attach_postgres(connection, path)
        there = _attached(connection, schema)
        exact = _exact(connection, [table for _, table in there])
        return _database_place(where, [(name, table) for (name, _), table in zip(there, exact, strict=True)], None)
    file = Path(path).expanduser().resolve()
    if file.is_dir():
        return _folder(where, file)
    if not file.is_file():
        raise SourceError(f"{path}: no such file or folder; name what holds the tables of the export.")
    changed = _changed(file)
    if (kind := _database(file)) is not None:
        _attach_file(connection, file, kind)
        return _database_place(where, _attached(connection, schema), changed)
    found = _table_of_file(file)
    if found is None:
        raise SourceError(f"{path}: no table in it; expected CSV, JSON, Parquet, DuckDB or SQLite{_looks_empty(file)}.")
    return Place(where, _by_name(where, [found]), changed)


def _folder(where: str, folder: Path) -> Place:
    found = [table for path in sorted(folder.iterdir()) if (table := _table_of(path)) is not None]
    if not found:
        raise SourceError(f"{where}: no tables in it; expected files such as deals.csv, deals.parquet or deals/*.jsonl.")
    files = [path for path in folder.rglob("*") if path.is_file()]
    parts = {normal(part.name): part for inner in sorted(folder.iterdir()) if inner.is_dir() for part in _parts(inner)}
    return Place(where, {**parts, **_by_name(where, found)}, max(map(_changed, files)))


def _parts(folder: Path) -> Iterator[FoundTable]:
    """Yield the tables in a folder that may be a table itself: `google_ads/campaign_stats.csv`."""
    for path in sorted(folder.iterdir()):
        table = _table_of(path)
        if table is not None:
            yield FoundTable(f"{folder.name}/{table.name}", table.relation, folder.name, table.bare)


def _database_place(where: str, found: list[tuple[str, FoundTable]], changed: datetime | None) -> Place:
    """Return the place of a database: its tables by their names, and by their schema's name and theirs."""
    bare: dict[str, list[tuple[str, FoundTable]]] = {}
    for schema, table in found:
        bare.setdefault(normal(table.name), []).append((schema, table))
    several = {name: [f"{schema}.{table.name}" for schema, table in tables] for name, tables in bare.items() if len(tables) > 1}
    unclear = {name: (names[0], names[1]) for name, names in several.items()}
    whole = {normal(f"{schema}.{table.name}"): FoundTable(f"{schema}.{table.name}", table.relation) for schema, table in found}
    return Place(where, {**whole, **{name: tables[0][1] for name, tables in bare.items() if len(tables) == 1}}, changed, unclear)


def _by_name(where: str, found: list[FoundTable]) -> dict[str, FoundTable]:
    tables: dict[str, FoundTable] = {}
    for table in found:
        other = tables.setdefault(normal(table.name), table)
        if other is not table:
            raise SourceError(f"{where}: {other.name} and {table.name} are one name of two tables; keep one of them, or name a #schema.")
    return tables


def _table_of(path: Path) -> FoundTable | None:
    return _table_of_folder(path) if path.is_dir() else _table_of_file(path)


def _table_of_file(file: Path) -> FoundTable | None:
    """Return the table of a file; None where it is none, or empty."""
    match = _FILE.fullmatch(file.name)
    if match is None or not file.stat().st_size:
        return None
    return _of_files(match["stem"], match["kind"], [file])


def _table_of_folder(folder: Path) -> FoundTable | None:
    """Return the table of a folder of files; SourceError where they are of several kinds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _FILE.fullmatch(path.name) and path.stat().st_size)
    kinds = sorted({_kind(path) for path in files})
    if len(kinds) > 1:
        raise SourceError(f"{folder}: {' and '.join(kinds)} in one table; keep the files of one kind.")
    return _of_files(folder.name, kinds[0], files) if files else None


def _kind(file: Path) -> str:
    match = _FILE.fullmatch(file.name)
    assert match is not None
    return match["kind"].lower()


def _of_files(name: str, kind: str, files: list[Path]) -> FoundTable:
    is_text = kind.lower() in ("csv", "tsv")
    return FoundTable(name, _reader(kind, files), bare=partial(_bare_reader, files) if is_text else None)


def _bare_reader(files: list[Path], columns: Sequence[str]) -> str:
    """Read what has no header: columns between tabs, no quotes, a row that ends early."""
    paths, types = ", ".join(quoted(str(file)) for file in files), ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in columns)
    options = "header = false, delim = '\t', quote = '', escape = '', all_varchar = true, auto_detect = false, null_padding = true"
    return f"read_csv([{paths}], columns = {{{types}}}, {options})"


def _reader(kind: str, files: list[Path]) -> str:
    paths = ", ".join(quoted(str(file)) for file in files)
    if kind.lower() in ("csv", "tsv"):
        return f"read_csv([{paths}], all_varchar = true, header = true, union_by_name = true)"
    if kind.lower() == "parquet":
        return f"read_parquet([{paths}], union_by_name = true)"
    return f"read_json([{paths}], union_by_name = true, sample_size = -1, maximum_depth = 1)"


def _database(file: Path) -> str | None:
    """Tell which database a file is, by its first bytes."""
    with file.open("rb") as stream:
        head = stream.read(16)
    if head[8:12] == b"DUCK":
        return "duckdb"
    return "sqlite" if head == b"SQLite format 3\0" else None


def _looks_empty(file: Path) -> str:
    return "" if file.stat().st_size else "; it is empty"


def _changed(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)


def _attach_file(connection: DuckDBPyConnection, file: Path, kind: str) -> None:
    if kind == "sqlite":
        _load(connection, kind)
        connection.execute("SET sqlite_all_varchar = true")
    _attach(connection, str(file), f"TYPE {kind}", file.name)


def _attach_postgres(connection: DuckDBPyConnection, url: str) -> None:
    if urlsplit(url).password:
        hidden = url.replace(f":{urlsplit(url).password}@", ":…@")
        raise SourceError(f"{hidden}: leave the password out; Postgres takes it from the variable PGPASSWORD or the file ~/.pgpass.")
    _load(connection, "postgres")
    _attach(connection, url, "TYPE postgres", url)


def _attach(connection: DuckDBPyConnection, target: str, options: str, shown: str) -> None:
    import duckdb

    try:
        connection.execute(f"ATTACH {quoted(target)} AS {_CATALOGUE} ({options}, READ_ONLY)")
    except duckdb.Error as error:
        raise SourceError(f"{shown}: cannot be opened: {str(error).splitlines()[0]}") from None


def _load(connection: DuckDBPyConnection, kind: str) -> None:
    """Load an extension out of its package; SourceError, naming what to install, where it is not there."""
    extension, extra = _EXTENSIONS[kind]
    try:
        package = import_module(f"duckdb_extension_{extension}")
    except ModuleNotFoundError:
        raise SourceError(f"reading {kind.title()} needs a package: pip install '{extra}'.") from None
    (binary,) = Path(str(package.__file__)).parent.rglob(f"{extension}.duckdb_extension")
    connection.execute(f"LOAD {quoted(str(binary))}")


def _attached(connection: DuckDBPyConnection, schema: str) -> list[tuple[str, FoundTable]]:
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $catalogue "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $catalogue AND NOT internal ORDER BY ALL",
        {"catalogue": _CATALOGUE},
    ).fetchall()
    return list(_chosen([(where, table) for where, table in names if where not in _SYSTEM], schema))


def _chosen(names: list[tuple[str, str]], schema: str) -> Iterator[tuple[str, FoundTable]]:
    schemas = sorted({name for name, _ in names})
    if schema and schema not in schemas:
        raise SourceError(f"#{schema}: there is no such schema; there are: {', '.join(schemas) or 'none'}.")
    for where, table in names:
        if not schema or where == schema:
            yield where, FoundTable(table, f"{_CATALOGUE}.{identifier(where)}.{identifier(table)}")


def _exact(connection: DuckDBPyConnection, tables: Iterable[FoundTable]) -> list[FoundTable]:
    """Return tables of Postgres whose numbers without bounds are read as text, as they stand there, and not as doubles."""
    rows = connection.execute(f"FROM postgres_query('{_CATALOGUE}', {quoted(_UNBOUNDED)})").fetchall()
    columns: dict[str, list[tuple[str, str, bool]]] = {}
    for schema, table, column, is_unbounded in rows:
        relation = f"{identifier(schema)}.{identifier(table)}"
        columns.setdefault(f"{_CATALOGUE}.{relation}", []).append((relation, column, is_unbounded))
    return [_as_text(table, columns.get(table.relation, [])) for table in tables]


def _as_text(table: FoundTable, columns: list[tuple[str, str, bool]]) -> FoundTable:
    if not any(is_unbounded for _, _, is_unbounded in columns):
        return table
    listed = ", ".join(f"{identifier(name)}::text AS {identifier(name)}" if is_text else identifier(name) for _, name, is_text in columns)
    return FoundTable(table.name, f"postgres_query('{_CATALOGUE}', {quoted(f'SELECT {listed} FROM {columns[0][0]}')})")
