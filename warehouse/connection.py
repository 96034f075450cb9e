"""Open the warehouse: one process writes at a time, under a lease.

The lease is a file lock beside the database, with a turnstile before it: whoever waits for the lease holds the turnstile, so that a
stream that takes the lease again and again lets a waiting flow go first.

The database file is never opened by anything but DuckDB inside the writer's process: closing another handle of it would silently
drop DuckDB's own lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from nisba.errors import LeaseTaken, WarehouseError
from warehouse.migrations import migrate, missing

__all__ = ["is_wanted", "need_warehouse", "open_reader", "open_writer", "writer_lease"]


@contextmanager
def writer_lease(path: str | Path, *, wait_seconds: float = 30.0) -> Iterator[None]:
    """Hold the writer's lease of a warehouse; LeaseTaken when another process keeps it for `wait_seconds`."""
    turnstile, lease = FileLock(f"{path}.turnstile"), FileLock(f"{path}.lease")
    try:
        with turnstile.acquire(timeout=wait_seconds):
            lease.acquire(timeout=wait_seconds)
    except Timeout:
        raise LeaseTaken(f"{path}: {_holder(path)} has been writing for {wait_seconds:g} s: wait for it, or end it.") from None
    try:
        _note_holder(path)
        yield
    finally:
        lease.release()


def is_wanted(path: str | Path) -> bool:
    """Tell whether another process waits for the lease: it holds the turnstile."""
    try:
        with FileLock(f"{path}.turnstile").acquire(blocking=False):
            return False
    except Timeout:
        return True


def _note_holder(path: str | Path) -> None:
    Path(f"{path}.writer").write_text(f"{os.getpid()}\n", "ascii")


def _holder(path: str | Path) -> str:
    try:
        return f"process {Path(f'{path}.writer').read_text('ascii').strip()}"
    except OSError:
        return "another process"


@contextmanager
def open_writer(path: str | Path, *, wait_seconds: float = 30.0) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, made or migrated where needed, and hold the lease until it is closed."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with writer_lease(path, wait_seconds=wait_seconds):
        connection = _connect(path, read_only=False)
        try:
            migrate(connection)
            yield connection
        finally:
            connection.close()


@contextmanager
def open_reader(path: str | Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse or a snapshot for reading; WarehouseError when it is absent, being written, or no books of this version."""
    need_warehouse(path)
    connection = _connect(path, read_only=True)
    try:
        _require_readable(connection, path)
        yield connection
    finally:
        connection.close()


def _require_readable(con: duckdb.DuckDBPyConnection, path: str | Path) -> None:
    """Refuse what is neither a snapshot nor a warehouse of this version: a reader cannot migrate it."""
    there = {name for (name,) in con.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'ops'").fetchall()}
    if not there & {"migration", "cycle"}:
        raise WarehouseError(f"{path}: there are no books in it; `nisba backfill` or `nisba stream` makes a warehouse.")
    if "migration" in there and missing(con):
        raise WarehouseError(f"{path}: it was made by an earlier version; `nisba attribute` brings it up to date.")


def need_warehouse(path: str | Path) -> None:
    """Raise WarehouseError where there is no warehouse: to be asked before one is opened for writing that nobody wants made."""
    if not Path(path).exists():
        raise WarehouseError(f"{path}: no such warehouse; `nisba backfill` or `nisba stream` makes one.")


def _connect(path: str | Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise LeaseTaken(f"{path}: {_holder(path)} is writing; read the published snapshot instead.") from None
        raise WarehouseError(f"{path}: cannot be opened as a warehouse: {str(error).splitlines()[0]}") from None
    if not read_only:
        # with the default of 16 MB every few cycles of a stream wait for a checkpoint; replaying 256 MB after a crash takes seconds
        connection.execute("SET checkpoint_threshold = '256MB'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection
