"""Bring a warehouse to the schema of this version: numbered files, each applied once, in one transaction."""

from __future__ import annotations

from pathlib import Path

import duckdb

from nisba.errors import WarehouseError
from warehouse.models.declarations import describe, loaded_tables

__all__ = ["migrate"]

FOLDER = Path(__file__).parent


def migrate(con: duckdb.DuckDBPyConnection) -> int:
    """Apply the migrations that are missing and return how many; WarehouseError for a warehouse of a newer version."""
    files = sorted(FOLDER.glob("[0-9]*.sql"))
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    con.execute("CREATE TABLE IF NOT EXISTS ops.migration (number INTEGER, name VARCHAR)")
    applied = [number for (number,) in con.execute("SELECT number FROM ops.migration ORDER BY number").fetchall()]
    known = [int(file.name.split("_", 1)[0]) for file in files]
    if set(applied) - set(known):
        raise WarehouseError(f"the warehouse has migration {max(applied)}, this version knows {max(known)}: upgrade nisba.")
    pending = [(number, file) for number, file in zip(known, files, strict=True) if number not in applied]
    for number, file in pending:
        con.execute("BEGIN")
        con.execute(file.read_text("utf-8"))
        con.execute("INSERT INTO ops.migration VALUES (?, ?)", [number, file.stem])
        con.execute("COMMIT")
    if pending:
        con.execute("BEGIN")
        for table in loaded_tables():
            describe(con, table)
        con.execute("COMMIT")
    return len(pending)
