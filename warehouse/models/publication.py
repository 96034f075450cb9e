"""The steps of publishing: a versioned snapshot that BI tools read while the warehouse is written.

`prepare` writes a candidate, a database of its own with what is declared published, without the columns that name persons; checks run on
it in another process; `promote` gives it its number and swaps the symlink. Readers keep the file that they opened; new ones get the new
version. `expectations.publish` takes these steps in order, one publisher at a time.
The warehouse's own file is never opened a second time by the writer: that would drop DuckDB's lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from nisba.config import Config
from nisba.errors import LeaseTaken, WarehouseError
from warehouse.models.build import build_what_is_behind, create_macros, create_model, models, reads_of
from warehouse.models.declarations import Owners, Table, declared, describe, tables

__all__ = ["CURRENT", "KEPT_VERSIONS", "discard", "one_publisher", "prepare", "promote", "published", "published_tables", "stays_a_view"]

CURRENT = "nisba.duckdb"
KEPT_VERSIONS = 3
_VERSION = re.compile(r"^nisba-(\d+)\.duckdb$")
_LOCK = ".publishing.lock"


@contextmanager
def one_publisher(config: Config, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of the published folder; LeaseTaken when another process keeps it for `wait_seconds`."""
    directory = Path(config.publish.directory)
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / _LOCK)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise LeaseTaken(f"{directory}: another process has been publishing for {wait_seconds:g} s: wait for it, or end it.") from None
    try:
        yield
    finally:
        lock.release()


def published_tables() -> tuple[Table, ...]:
    """Return what a snapshot holds."""
    return tuple(table for table in tables().values() if table.is_published)


def stays_a_view(table: Table) -> bool:
    """Tell whether a view can be one inside a snapshot: it hides nothing, and whatever it reads is there."""
    if table.kind != "view" or table.made_by != "sql" or table.personal or table.kinds_of_rows:
        return False
    return all(declared(name).is_published for name in reads_of(table))


def prepare(con: duckdb.DuckDBPyConnection, config: Config) -> Path:
    """Write the candidate of the next version and return its path; it is complete and on disk.

    Raises WarehouseError when the marts were not built yet, and when it cannot be written; nothing of it stays behind then.
    """
    directory = Path(config.publish.directory)
    directory.mkdir(parents=True, exist_ok=True)
    build_what_is_behind(con, config)
    _require_built(con)
    candidate = directory / "candidate.duckdb"
    discard(candidate)
    try:
        _write(con, candidate, config.publish.owners)
    except BaseException as error:
        discard(candidate)
        if isinstance(error, duckdb.Error):
            raise WarehouseError(f"{candidate}: cannot be written: {str(error).splitlines()[0]}") from error
        raise
    return candidate


def promote(candidate: Path, config: Config) -> Path:
    """Make a checked candidate the current version: rename, swap the symlink in one step, prune old versions."""
    directory = Path(config.publish.directory)
    number = max(_versions(directory), default=0) + 1
    version = directory / f"nisba-{number}.duckdb"
    os.replace(candidate, version)
    link = directory / f".{CURRENT}.{number}"
    link.unlink(missing_ok=True)
    link.symlink_to(version.name)
    os.replace(link, directory / CURRENT)
    _sync(directory)
    for old in sorted(_versions(directory))[:-KEPT_VERSIONS]:
        (directory / f"nisba-{old}.duckdb").unlink(missing_ok=True)
    return version


def published(config: Config) -> Path | None:
    """Return the current snapshot's file, None when nothing is published."""
    link = Path(config.publish.directory) / CURRENT
    return link.resolve() if link.exists() else None


def discard(candidate: Path) -> None:
    """Remove a candidate that is not to be published."""
    for path in (candidate, candidate.with_name(candidate.name + ".wal")):
        path.unlink(missing_ok=True)


def _require_built(con: duckdb.DuckDBPyConnection) -> None:
    there = {name for (name,) in con.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()}
    missing = sorted({table.name for table in published_tables()} - there)
    if missing:
        raise WarehouseError(f"{', '.join(missing)} not built yet: run `nisba attribute` first, which builds them.")


def _write(con: duckdb.DuckDBPyConnection, candidate: Path, owners: Owners) -> None:
    con.execute(f"ATTACH '{_escaped(candidate)}' AS snapshot")
    try:
        _copy(con, owners)
    finally:
        con.execute("DETACH snapshot")
    _add_views(candidate, owners)
    _sync(candidate)


def _copy(con: duckdb.DuckDBPyConnection, owners: Owners) -> None:
    """Copy tables, and what the views over unpublished tables hold, into the attached snapshot."""
    for schema in ("core", "marts", "locked", "ops"):
        con.execute(f"CREATE SCHEMA snapshot.{schema}")
    for table in published_tables():
        if not stays_a_view(table):
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.is_shown(owners))
            con.execute(f"CREATE TABLE snapshot.{table.name} AS SELECT {columns} FROM {table.name} WHERE {_shown_rows(table, owners)}")


def _shown_rows(table: Table, owners: Owners) -> str:
    """Return the condition of the rows that a snapshot has: none about an owner where those are hidden."""
    return f"{table.kinds_of_rows} <> 'owner'" if table.kinds_of_rows and owners == "hidden" else "true"


def _add_views(candidate: Path, owners: Owners) -> None:
    """Make the macros and views inside the snapshot, over its own tables, and describe everything."""
    with duckdb.connect(str(candidate)) as con:
        create_macros(con)
        for table in published_tables():
            if not stays_a_view(table):
                describe(con, table, kind="table", hidden=table.hidden(owners))
        for model in models():
            if model.is_published and stays_a_view(model):
                create_model(con, model)
        con.execute("CHECKPOINT")


def _versions(directory: Path) -> list[int]:
    return [int(found.group(1)) for path in directory.iterdir() if (found := _VERSION.match(path.name))]


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
