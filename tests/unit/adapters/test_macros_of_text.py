"""Macros of the frame that read texts: exact numbers, numbers in lists, parameters of addresses, ids of HubSpot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.frame.session import _create_macros


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    _create_macros(connection)
    return connection


def value(con: duckdb.DuckDBPyConnection, call: str, *arguments: Any) -> Any:
    row = con.execute(f"SELECT {call}", list(arguments)).fetchone()
    assert row is not None
    return row[0]


@given(number=st.decimals(min_value=-(10**15), max_value=10**15, places=9, allow_nan=False))
def test_a_number_is_exact_however_long(con: duckdb.DuckDBPyConnection, number: Decimal) -> None:
    assert value(con, "exact(?::VARCHAR)", f"{number:f}") == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1234.5", "1234.5"), ("-0.1", "-0.1"), ("1e3", "1000"), ("7.", "7"), ("999999999.999999999", "999999999.999999999")],
)
def test_numbers_as_sources_write_them(con: duckdb.DuckDBPyConnection, text: str, number: str) -> None:
    assert value(con, "exact(?::VARCHAR)", text) == Decimal(number)
    assert value(con, "exact(?::DECIMAL(18, 4))", "12.3400") == Decimal("12.34")


def test_what_is_no_number_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.ConversionException):
        value(con, "exact(?::VARCHAR)", "12,5")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1;22", ["1", "22"]),
        ("[1, 22]", ["1", "22"]),
        ('["1","22"]', ["1", "22"]),
        ("1:1617297167000;22:1617297168000", ["1", "22"]),
        ("", []),
        ("none", []),
    ],
)
def test_numbers_in_a_text(con: duckdb.DuckDBPyConnection, text: str, numbers: list[str]) -> None:
    assert value(con, "numbers_in(?::VARCHAR)", text) == numbers


@pytest.mark.parametrize(("name", "found"), [("a", "x y"), ("b", "ü&="), ("A", "x y"), ("c", None), ("d", None), ("ab", None)])
def test_parameters_of_an_address(con: duckdb.DuckDBPyConnection, name: str, found: str | None) -> None:
    assert value(con, "query_parameter(?::VARCHAR, ?::VARCHAR)", "https://h/p?a=x+y&b=%C3%BC%26%3D&c=#d=1", name) == found


def test_ids_of_hubspot_are_numbers_that_loaders_may_write_as_fractions(con: duckdb.DuckDBPyConnection) -> None:
    assert [value(con, "hs_id(?::VARCHAR)", text) for text in ("12", "12.0", "12.00", "a.0b")] == ["hs:12", "hs:12", "hs:12", "hs:a.0b"]
