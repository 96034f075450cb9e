"""One writer at a time, who says who it is; a warehouse of a newer version is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock, Timeout

from nisba.errors import LeaseTaken, WarehouseError
from warehouse.connection import open_reader, open_writer, writer_lease
from warehouse.migrations import FOLDER, migrate

HOLD = """
import sys
from warehouse.connection import {function}
with {function}({path!r}):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def _held_elsewhere(function: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold the lease in another process until the block ends."""
    code = HOLD.format(function=function, path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.communicate("\n", timeout=30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "warehouse.duckdb"


def test_first_opening_makes_folder_and_schema_and_the_second_changes_nothing(path: Path) -> None:
    with open_writer(path) as con:
        tables = con.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
    with open_writer(path) as con:
        assert migrate(con) == 0
        assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == tables
        assert con.execute("SELECT number FROM ops.migration").fetchall() == [(1,), (2,), (3,), (4,), (5,)]
        assert con.execute("SELECT current_setting('TimeZone')").fetchone() == ("UTC",)


def test_second_writer_is_told_which_process_writes(path: Path) -> None:
    path.parent.mkdir()
    with _held_elsewhere("open_writer", path) as process, pytest.raises(LeaseTaken) as refused, open_writer(path, wait_seconds=0.2):
        pass
    assert str(refused.value) == f"{path}: process {process.pid} has been writing for 0.2 s: wait for it, or end it."
    with open_writer(path, wait_seconds=5) as con:
        assert con.execute("SELECT 1").fetchone() == (1,)


def test_reader_of_a_warehouse_being_written_is_sent_to_the_snapshot(path: Path) -> None:
    path.parent.mkdir()
    with _held_elsewhere("open_writer", path) as process, pytest.raises(LeaseTaken) as refused, open_reader(path):
        pass
    assert str(refused.value) == f"{path}: process {process.pid} is writing; read the published snapshot instead."


def test_lease_of_a_killed_process_is_free(path: Path) -> None:
    path.parent.mkdir()
    with _held_elsewhere("writer_lease", path) as process:
        process.kill()
        process.wait(timeout=30)
        with writer_lease(path, wait_seconds=5):
            assert Path(f"{path}.writer").read_text("ascii") == f"{os.getpid()}\n"


def test_lease_is_given_back_when_the_block_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_writer(path):
        raise ZeroDivisionError
    with open_writer(path, wait_seconds=0.2) as con:
        assert con.execute("SELECT count(*) FROM ledger.touch").fetchone() == (0,)


def _is_taken(lock: FileLock) -> bool:
    """Tell whether another process takes a lock within half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with lock.acquire(timeout=0.02):
                continue
        except Timeout:
            return True
    return False


def test_waiting_writer_holds_the_turnstile_and_gets_the_lease_next(path: Path) -> None:
    """Who waits goes before who comes later: nobody else reaches the lease."""
    path.parent.mkdir()
    wait = f"from warehouse.connection import writer_lease\nwith writer_lease({str(path)!r}, wait_seconds=60): print('in')"
    with _held_elsewhere("writer_lease", path):
        waiting = subprocess.Popen([sys.executable, "-c", wait], stdout=subprocess.PIPE, text=True)
        assert _is_taken(FileLock(f"{path}.turnstile"))
        assert waiting.poll() is None
    assert waiting.communicate(timeout=30)[0] == "in\n"


def test_warehouse_of_a_newer_version_is_refused(path: Path) -> None:
    with open_writer(path) as con:
        con.execute("INSERT INTO ops.migration VALUES (99, '099_later')")
    with pytest.raises(WarehouseError, match=r"migration 99, this version knows \d+: upgrade nisba"), open_writer(path):
        pass


def test_reader_is_told_how_to_bring_a_warehouse_of_an_earlier_version_up_to_date(path: Path) -> None:
    """It cannot migrate: its tables and views would be looked for in vain."""
    with open_writer(path) as con:
        con.execute("DELETE FROM ops.migration WHERE number > 1")
    with pytest.raises(WarehouseError) as refused, open_reader(path):
        pass
    assert str(refused.value) == f"{path}: it was made by an earlier version; `nisba attribute` brings it up to date."


def test_reader_refuses_a_warehouse_of_a_newer_version_and_another_database(path: Path) -> None:
    with open_writer(path) as con:
        con.execute("INSERT INTO ops.migration VALUES (99, '099_later')")
    with pytest.raises(WarehouseError, match="upgrade nisba"), open_reader(path):
        pass
    other = path.with_name("other.duckdb")
    duckdb.connect(str(other)).close()
    with pytest.raises(WarehouseError, match=r"other.duckdb: there are no books in it"), open_reader(other):
        pass


def test_absent_warehouse_is_not_made_by_a_reader(path: Path) -> None:
    with pytest.raises(WarehouseError, match="no such warehouse; `nisba backfill`"), open_reader(path):
        pass
    assert not path.parent.exists()


def test_file_that_is_no_warehouse_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("deal,amount\nd-1,100\n" * 1000)
    with pytest.raises(WarehouseError, match=r"warehouse.duckdb: cannot be opened as a warehouse"), open_reader(path):
        pass


def test_migrations_are_numbered_one_by_one() -> None:
    numbers = [int(file.name.split("_")[0]) for file in sorted(FOLDER.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))
