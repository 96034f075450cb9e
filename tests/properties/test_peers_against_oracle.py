"""Benchmarks and advice, and what they are made of, are an oracle's over firms with enough owners and channels to compare."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.compared_figures import FIGURES_OF_SALES, differences, new_warehouse
from tests.oracle.levels.sales import sales_figures_of
from tests.sales_sets import sales_set
from tests.sizes import IS_LARGE

SETS, AT_ONCE, ACCOUNTS = (5, 1, 100) if IS_LARGE else (50, 10, 26)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("first", range(0, SETS, AT_ONCE))
def test_figures_of_peers_are_the_oracles(con: duckdb.DuckDBPyConnection, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        events, config = sales_set(seed, ACCOUNTS)
        assert differences(con, events, config, FIGURES_OF_SALES, sales_figures_of) == [], f"sales_set({seed}, {ACCOUNTS})"
        assert unlike_their_evidence(con) == [], f"sales_set({seed}, {ACCOUNTS})"


def unlike_their_evidence(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the pieces of advice whose evidence is not the cases that they rest on: of a return one row, of exceptions some."""
    key = "metric, entity_kind, entity, period"
    wrong = []
    for metric, sample, evidence in con.execute(
        f"SELECT metric, sample, evidence FROM marts.advice JOIN marts.benchmark USING ({key})"
    ).fetchall():
        rows = len(con.execute(evidence).fetchall())
        if rows == 0 or rows != {"roi": 1, "exception_share_of_revenue": rows}.get(metric, sample):
            wrong.append(f"{rows} rows for a sample of {sample}: {evidence}")
    return wrong
