"""Ask the warehouse: rows as dictionaries, or one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

__all__ = ["one_value", "rows_as_dicts"]


def rows_as_dicts(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query, each by the names of its columns.

    >>> rows_as_dicts(duckdb.connect(), "SELECT 1 AS one, ? AS other", ["b"])
    [{'one': 1, 'other': 'b'}]
    """
    cursor = con.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one_value(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first column of the first row, None when there is no row.

    >>> one_value(duckdb.connect(), "SELECT 7")
    7
    """
    row = con.execute(sql, list(parameters)).fetchone()
    return None if row is None else row[0]
