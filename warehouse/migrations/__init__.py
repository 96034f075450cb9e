"""Bring a warehouse to the schema of this version: numbered files, each applied once, in one transaction."""

from __future__ import annotations

from pathlib import Path

import duckdb

from nisba.errors import WarehouseError
from warehouse.models.declarations import describe, loaded_tables
from warehouse.query import transaction

__all__ = ["migrate", "missing"]

FOLDER = Path(__file__).parent


def migrate(con: duckdb.DuckDBPyConnection, folder: Path = FOLDER) -> int:
    """Apply the migrations that are missing, each wholly or not at all, and return how many.

    Raises WarehouseError for a warehouse of a newer version, and for a migration that failed: the warehouse is as it was before that one.
    """
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    con.execute("CREATE TABLE IF NOT EXISTS ops.migration (number INTEGER, name VARCHAR)")
    pending = missing(con, folder)
    for file in pending:
        _apply(con, file)
    if pending:
        with transaction(con):
            for table in loaded_tables():
                describe(con, table)
    return len(pending)


def missing(con: duckdb.DuckDBPyConnection, folder: Path = FOLDER) -> list[Path]:
    """Return the migrations that a warehouse lacks, in order; raises WarehouseError for a warehouse of a newer version."""
    files = {int(file.name.split("_", 1)[0]): file for file in sorted(folder.glob("[0-9]*.sql"))}
    applied = {number for (number,) in con.execute("SELECT number FROM ops.migration").fetchall()}
    if applied - files.keys():
        raise WarehouseError(f"the warehouse has migration {max(applied)}, this version knows {max(files)}: upgrade nisba.")
    return [file for number, file in files.items() if number not in applied]


def _apply(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    try:
        with transaction(con):
            con.execute(file.read_text("utf-8"))
            con.execute("INSERT INTO ops.migration VALUES (?, ?)", [int(file.name.split("_", 1)[0]), file.stem])
    except duckdb.Error as error:
        cause = str(error).splitlines()[0]
        raise WarehouseError(
            f"migration {file.stem} failed and was rolled back, nothing changed: {cause}; report it, with this line."
        ) from error
