"""What the cases share: one warehouse in memory, in which each finds nothing of another."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from warehouse.migrations import migrate


@pytest.fixture(scope="package")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """One warehouse for all cases."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET threads = 1")
        migrate(con)
        yield con
