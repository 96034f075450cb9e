"""Benchmarks and advice, and what they are made of, are an oracle's over firms with enough owners and channels to compare."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.compared_figures import FIGURES_OF_SALES, differences, new_warehouse
from tests.oracle.levels.sales import sales_figures_of
from tests.sales_sets import sales_set

SETS, AT_ONCE = 50, 10


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("first", range(0, SETS, AT_ONCE))
def test_figures_of_peers_are_the_oracles(con: duckdb.DuckDBPyConnection, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        events, config = sales_set(seed)
        assert differences(con, events, config, FIGURES_OF_SALES, sales_figures_of) == [], f"sales_set({seed})"
