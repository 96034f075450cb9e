"""Ask the warehouse: Arrow, rows as dictionaries, one value; Arrow tables under a name for the time of a query; transactions.

What a query selected is a value that whoever asked owns. Nothing stays behind on the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

__all__ = ["arrow_table", "column_names", "copied_relations", "has_table", "one_value", "relations", "rows_as_dicts", "transaction"]


def arrow_table(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
    """Return the rows of a query as an Arrow table."""
    table: pa.Table = con.execute(sql, list(parameters)).arrow().read_all()
    return table


def rows_as_dicts(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query, each a dictionary by column."""
    cursor = con.execute(sql, list(parameters))
    names = column_names(cursor)
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def column_names(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the columns that the query just executed has."""
    return [column[0] for column in cursor.description or ()]


def one_value(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> Any:
    """Return the first value of the first row, None where there is no row; of an INSERT, UPDATE or DELETE: how many rows."""
    row = con.execute(sql, list(parameters)).fetchone()
    return row[0] if row else None


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Tell whether there is a table or view of this name, with its schema: a snapshot lacks many, one of an earlier version some more."""
    there = "SELECT count(*) FROM information_schema.tables WHERE table_schema || '.' || table_name = ?"
    return bool(one_value(con, there, [name]))


@contextmanager
def relations(con: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Let the queries of the block read Arrow tables by these names; after it the connection knows nothing of them."""
    for name, table in tables.items():
        con.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            con.unregister(name)


@contextmanager
def copied_relations(con: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """As `relations`, but copied into DuckDB first: four times as quick to read, which pays for a small table that many queries read."""
    for name, table in tables.items():
        with relations(con, to_copy=table):
            con.execute(f"CREATE TEMP TABLE {name} AS FROM to_copy")
    try:
        yield
    finally:
        for name in tables:
            with suppress(duckdb.TransactionException):  # one that failed takes the copy along when it is rolled back
                con.execute(f"DROP TABLE temp.{name}")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block does, or nothing of it."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
