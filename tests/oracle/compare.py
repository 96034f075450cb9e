"""Put the fast core's tables beside the oracle's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from tests.oracle import Rows

__all__ = ["assert_same_books", "assert_same_table", "rows_of"]

NOT_COMPARED = {"detail"}
"""Prose."""


def rows_of(tables: Mapping[str, pa.Table]) -> Rows:
    """Return the rows of Arrow books, their columns cast to those of `BOOK_SCHEMAS`."""
    return {name: _cast(name, table).to_pylist() for name, table in tables.items()}


def _cast(name: str, table: pa.Table) -> pa.Table:
    """Return the table with exactly the columns and types that the books promise, dictionaries decoded."""
    schema = BOOK_SCHEMAS[name]
    return pa.table({field.name: table.column(field.name).cast(field.type) for field in schema}, schema=schema)


def assert_same_books(expected: Rows, found: Rows) -> None:
    """Assert that two books hold the same rows, the same number of times, in whatever order."""
    assert expected.keys() == found.keys()
    for name in expected:
        assert_same_table(name, expected[name], found[name])


def assert_same_table(name: str, expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    """Assert that two tables hold the same rows; says which rows only one of them has."""
    columns = [column for column in BOOK_SCHEMAS[name].names if column not in NOT_COMPARED]
    left, right = (Counter(tuple(row[column] for column in columns) for row in rows) for rows in (expected, found))
    missing, extra = left - right, right - left
    lines = [f"  expected {row}" for row in missing.elements()] + [f"  found    {row}" for row in extra.elements()]
    assert not lines, "\n".join([f"{name}: {tuple(columns)}", *lines])
