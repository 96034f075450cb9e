"""Asking the warehouse: values come back, names of relations do not stay, a transaction is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from warehouse.query import arrow_table, column_names, copied_relations, one_value, relations, rows_as_dicts, transaction

NUMBERS = pa.table({"n": [1, 2, 3]})


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
        yield connection


def test_rows_come_as_dictionaries_as_arrow_and_one_by_one(con: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT ?::INTEGER AS a, 'x' AS b"
    assert rows_as_dicts(con, sql, [7]) == [{"a": 7, "b": "x"}]
    assert arrow_table(con, sql, [7]).to_pylist() == [{"a": 7, "b": "x"}]
    assert one_value(con, sql, [7]) == 7
    assert column_names(con.execute(sql, [7])) == ["a", "b"]


def test_no_row_is_no_value(con: duckdb.DuckDBPyConnection) -> None:
    assert one_value(con, "SELECT n FROM t") is None
    assert rows_as_dicts(con, "SELECT n FROM t") == []
    assert arrow_table(con, "SELECT n FROM t").column_names == ["n"]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [("INSERT INTO t VALUES (1), (2)", 2), ("UPDATE t SET n = 5 WHERE n = 0", 1), ("DELETE FROM t", 1), ("DELETE FROM t WHERE n = 9", 0)],
)
def test_value_of_a_change_is_how_many_rows_it_changed(con: duckdb.DuckDBPyConnection, sql: str, rows: int) -> None:
    con.execute("INSERT INTO t VALUES (0)")
    assert one_value(con, sql) == rows


def test_relation_is_known_in_its_block_alone(con: duckdb.DuckDBPyConnection) -> None:
    with relations(con, numbers=NUMBERS, empty=NUMBERS.slice(0, 0)):
        assert one_value(con, "SELECT sum(n) FROM numbers") == 6
        assert one_value(con, "SELECT count(*) FROM empty") == 0
    for name in ("numbers", "empty"):
        with pytest.raises(duckdb.CatalogException):
            con.execute(f"FROM {name}")


def test_relation_goes_when_its_query_fails_inside_a_transaction(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="no such luck"), transaction(con), relations(con, numbers=NUMBERS):
        con.execute("SELECT error('no such luck') FROM numbers").fetchall()
    with pytest.raises(duckdb.CatalogException):
        con.execute("FROM numbers")
    with relations(con, numbers=NUMBERS):
        assert one_value(con, "SELECT max(n) FROM numbers") == 3


@pytest.mark.parametrize("naming", [relations, copied_relations])
def test_two_relations_of_one_name_come_one_after_the_other(con: duckdb.DuckDBPyConnection, naming: Callable[..., Any]) -> None:
    for rows in (1, 3, 0):
        with naming(con, numbers=NUMBERS.slice(0, rows)):
            assert one_value(con, "SELECT count(*) FROM numbers") == rows


@pytest.mark.parametrize("naming", [relations, copied_relations])
def test_relation_of_a_transaction_that_failed_is_gone(con: duckdb.DuckDBPyConnection, naming: Callable[..., Any]) -> None:
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"), transaction(con), naming(con, numbers=NUMBERS, others=NUMBERS):
        con.execute("CREATE TABLE u (n INTEGER NOT NULL); INSERT INTO u SELECT NULL FROM numbers")
    for name in ("numbers", "others", "to_copy", "u"):
        with pytest.raises(duckdb.CatalogException):
            con.execute(f"FROM {name}")
    with naming(con, numbers=NUMBERS):
        assert one_value(con, "SELECT sum(n) FROM numbers") == 6


def test_copy_does_not_hide_a_table_of_the_warehouse_for_ever(con: duckdb.DuckDBPyConnection) -> None:
    with copied_relations(con, t=NUMBERS):
        assert one_value(con, "SELECT count(*) FROM t") == 3
    assert one_value(con, "SELECT count(*) FROM t") == 0


def _insert_and(con: duckdb.DuckDBPyConnection, number: int, fail: Callable[[], object]) -> None:
    with transaction(con):
        con.execute("INSERT INTO t VALUES (?)", [number])
        fail()


def _interrupt() -> None:
    raise KeyboardInterrupt


def test_transaction_keeps_all_or_nothing(con: duckdb.DuckDBPyConnection) -> None:
    _insert_and(con, 1, lambda: None)
    with pytest.raises(KeyboardInterrupt):
        _insert_and(con, 2, _interrupt)
    with pytest.raises(duckdb.ConversionException):
        _insert_and(con, 3, lambda: one_value(con, "SELECT 'x'::INTEGER"))
    assert con.execute("FROM t").fetchall() == [(1,)]
