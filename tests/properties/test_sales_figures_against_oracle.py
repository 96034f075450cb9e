"""Figures of deals, campaigns, exceptions, records, benchmarks and advice are an oracle's, over hundreds of small firms."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.compared_figures import FIGURES_OF_SALES, differences, new_warehouse
from tests.level_sets import level_set
from tests.oracle.levels.sales import sales_figures_of
from tests.sizes import IS_LARGE

SETS, AT_ONCE, SIZE = (20, 1, 20) if IS_LARGE else (450, 25, 1)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("first", range(0, SETS, AT_ONCE))
def test_figures_of_sales_are_the_oracles(con: duckdb.DuckDBPyConnection, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        events, config = level_set(seed, SIZE)
        assert differences(con, events, config, FIGURES_OF_SALES, sales_figures_of) == [], f"level_set({seed}, {SIZE})"
