"""The macros that figures are divided by, at their edges: nothing spent, a credit note, nothing won."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.agreements import LEAD_STAGES
from warehouse.models.build import create_macros, macros

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=3)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("CREATE SCHEMA marts")
        create_macros(connection)
        yield connection


def _value(con: duckdb.DuckDBPyConnection, call: str) -> Any:
    return con.execute(f"SELECT marts.{call}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("roi(150, 100)", 0.5),
        ("roi(0, 100)", -1),
        ("roi(-50, 100)", -1.5),
        ("roi(150, 0)", None),
        ("roi(150, -10)", None),
        ("roi(150, NULL)", None),
        ("roi(NULL, 100)", None),
        ("roas(150, 100)", 1.5),
        ("roas(0, 100)", 0),
        ("roas(150, 0)", None),
        ("roas(150, -10)", None),
        ("roas(150, NULL)", None),
        ("roi_reason(NULL)", "no_cost"),
        ("roi_reason(0)", "zero_cost"),
        ("roi_reason(0.000::DECIMAL(38, 3))", "zero_cost"),
        ("roi_reason(-0.001)", "negative_cost"),
        ("roi_reason(0.001)", None),
        ("percent(1, 4)", 25),
        ("percent(4, 4)", 100),
        ("percent(4.001, 4)", None),
        ("percent(4, 1)", None),
        ("percent(-1, 4)", None),
        ("percent(-0.001, 4)", None),
        ("percent(1, -4)", None),
        ("percent(-1, -4)", None),
        ("percent(0, -4)", None),
        ("percent(0, 4)", 0),
        ("percent(1, 0)", None),
        ("percent(0, 0)", None),
        ("percent(NULL, 4)", None),
        ("wilson_low(7, 20)", pytest.approx(0.1811918241)),
        ("wilson_high(7, 20)", pytest.approx(0.5671457233)),
        ("wilson_low(0, 20)", 0),
        ("wilson_high(0, 20)", pytest.approx(0.1611251580)),
        ("wilson_low(20, 20)", pytest.approx(0.8388748420)),
        ("wilson_high(20, 20)", 1),
        ("wilson_low(0, 0)", None),
        ("wilson_high(0, 0)", None),
        ("period_name('month', DATE '2026-03-01', 1)", "2026-03"),
        ("period_name('quarter', DATE '2026-01-01', 4)", "2026-Q4"),
        ("period_name('quarter', DATE '2026-04-01', 4)", "2027-Q1"),
        ("period_name('year', DATE '2026-04-01', 4)", "2027"),
        ("period_name('year', DATE '2026-01-01', 1)", "2026"),
        ("period_name('ttm', DATE '2025-04-01', 1)", "2026-03"),
        ("local_day(TIMESTAMPTZ '2026-03-31 22:00:00Z', 7200000000)", dt.date(2026, 4, 1)),
        ("local_day(TIMESTAMPTZ '2026-03-31 21:59:59.999999Z', 7200000000)", dt.date(2026, 3, 31)),
        ("month_of(DATE '2026-02-28')", dt.date(2026, 2, 1)),
        ("month_of(DATE '2026-03-01')", dt.date(2026, 3, 1)),
        ("month_of(NULL::DATE)", None),
        ("lead_stages()", list(LEAD_STAGES)),
        ("plain(80.000::DECIMAL(18, 3))", "80"),
        ("plain(-84.990::DECIMAL(18, 3))", "-84.99"),
        ("plain(0.000)", "0"),
        ("plain(100)", "100"),
        ("plain(12.5)", "12.5"),
        ("percent(1, NULL)", None),
    ],
)
def test_value_at_the_edges(con: duckdb.DuckDBPyConnection, call: str, value: Any) -> None:
    assert _value(con, call) == value


@given(AMOUNTS, st.none() | AMOUNTS)
def test_there_is_a_roi_or_a_reason_never_both(con: duckdb.DuckDBPyConnection, revenue: Decimal, cost: Decimal | None) -> None:
    row = "SELECT marts.roi($1, $2), marts.roas($1, $2), marts.roi_reason($2) FROM (SELECT 1)"
    values = [f"{amount}" if amount is not None else None for amount in (revenue, cost)]
    typed = row.replace("$1", "$1::DECIMAL(38, 3)").replace("$2", "$2::DECIMAL(38, 3)")
    roi, roas, reason = con.execute(typed, values).fetchall()[0]
    assert (roi is None) == (roas is None) == (reason is not None)
    if cost is not None and cost > 0:
        assert roi == pytest.approx(float(revenue / cost - 1), rel=1e-9, abs=1e-9)
        assert roas == pytest.approx(float(revenue / cost), rel=1e-9, abs=1e-9)


def test_each_says_in_the_catalogue_what_it_means(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("SELECT function_name, comment FROM duckdb_functions() WHERE schema_name = 'marts' ORDER BY ALL").fetchall()
    assert [name for name, _ in rows] == list(macros())
    assert all(meaning.endswith(".") and meaning[0] != "-" for _, meaning in rows)


def test_they_are_created_anew_without_an_error(con: duckdb.DuckDBPyConnection) -> None:
    create_macros(con)
    assert _value(con, "percent(1, 2)") == 50
