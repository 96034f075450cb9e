"""Publish: a versioned snapshot that BI tools read while the warehouse is written.

`prepare` writes a candidate, a database of its own with the books and the marts but without personal data; checks run on it in another
process; `promote` gives it its number and swaps the symlink. Readers keep the file that they opened; new ones get the new version.
The warehouse's own file is never opened a second time by the writer: that would drop DuckDB's lock.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from nisba.config import Config
from nisba.errors import WarehouseError
from warehouse.models.build import create_model, models
from warehouse.models.declarations import describe, loaded_tables

__all__ = ["CURRENT", "KEPT_VERSIONS", "discard", "prepare", "promote", "publish", "published"]

CURRENT = "nisba.duckdb"
KEPT_VERSIONS = 3
_VERSION = re.compile(r"^nisba-(\d+)\.duckdb$")

# Tables and views that are copied, and the columns that name persons and stay behind. `core.identity` stays behind whole.
_TABLES: dict[str, tuple[str, ...]] = {
    "core.deal": ("owner",),
    "core.deal_history": ("owner", "source", "event_id"),
    "core.entry": (),
    "core.journey_touch": ("actor",),
    "core.credit_line": (),
    "core.cost_daily": (),
    "core.setting": (),
    "core.model": (),
    "core.credit_daily": (),
    "core.period": (),
    "core.campaign": ("owner",),  # a view over the ledger, which is no part of a snapshot
    "ops.cycle": (),
}


def publish(con: duckdb.DuckDBPyConnection, config: Config) -> Path:
    """Prepare and promote without checks in between; return the file of the new version."""
    return promote(prepare(con, config), config)


def prepare(con: duckdb.DuckDBPyConnection, config: Config) -> Path:
    """Write the candidate of the next version and return its path; it is complete and on disk.

    Raises WarehouseError when the marts were not built yet.
    """
    directory = Path(config.publish.directory)
    directory.mkdir(parents=True, exist_ok=True)
    _require_built(con)
    candidate = directory / "candidate.duckdb"
    discard(candidate)
    con.execute(f"ATTACH '{_escaped(candidate)}' AS snapshot")
    try:
        _copy(con)
    except BaseException:
        con.execute("DETACH snapshot")
        discard(candidate)
        raise
    con.execute("DETACH snapshot")
    _add_views(candidate)
    _sync(candidate)
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
    missing = sorted({model.name for model in models()} - there)
    if missing:
        raise WarehouseError(f"{', '.join(missing)} not built yet: run `nisba attribute` first, which builds them.")


def _copy(con: duckdb.DuckDBPyConnection) -> None:
    """Copy tables, and what the views over personal tables hold, into the attached snapshot."""
    tables: dict[str, tuple[str, ...]] = {model.name: () for model in models() if model.kind == "table"}
    for schema in ("core", "marts", "locked", "ops"):
        con.execute(f"CREATE SCHEMA snapshot.{schema}")
    for name, hidden in {**tables, **_TABLES}.items():
        columns = f"* EXCLUDE ({', '.join(hidden)})" if hidden else "*"
        con.execute(f"CREATE TABLE snapshot.{name} AS SELECT {columns} FROM {name}")
    for (table,) in con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'locked'").fetchall():
        con.execute(f"CREATE TABLE snapshot.locked.{table} AS FROM locked.{table}")


def _add_views(candidate: Path) -> None:
    """Make the views of the books inside the snapshot, over its own tables, and describe everything."""
    with duckdb.connect(str(candidate)) as con:
        for table in loaded_tables():
            if table.name in _TABLES:
                describe(con, table, hidden=_TABLES[table.name])
        for model in models():
            if model.kind == "table" or model.name in _TABLES:
                describe(con, model, kind="table", hidden=_TABLES.get(model.name, ()))
            else:
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
