"""The hand-made books, built once: what a test changes in them is rolled back."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.unit.reports.books_by_hand import make_books


@pytest.fixture(scope="package")
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    with make_books() as con:
        yield con


@pytest.fixture
def con(built: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    built.execute("BEGIN")
    yield built
    built.execute("ROLLBACK")
