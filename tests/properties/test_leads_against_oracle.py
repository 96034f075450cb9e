"""The tables of leads are those of an oracle in plain Python that was written from the rules alone, over hundreds of small firms."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.compared_figures import differences, new_warehouse
from tests.level_sets import level_set
from tests.oracle.levels import figures_of
from tests.sizes import IS_LARGE

KEYS = {
    "core.lead": ("lead_id",),
    "core.lead_stage": ("lead_id", "pass_no", "stage"),
    "marts.funnel": ("period_kind", "period", "view", "segment_kind", "segment", "from_stage", "to_stage"),
    "marts.lead_quality": ("lead_id", "pass_no"),
    "marts.lead_agreement": ("period_kind", "period", "rule_id", "segment_kind", "segment"),
    "marts.lead_sla": ("lead_id", "pass_no", "from_stage", "to_stage"),
    "marts.lead_sla_summary": ("period_kind", "period", "rule_id", "segment_kind", "segment"),
}
SETS, AT_ONCE, SIZE = (30, 3, 20) if IS_LARGE else (500, 50, 1)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("first", range(0, SETS, AT_ONCE))
def test_tables_of_leads_are_the_oracles(con: duckdb.DuckDBPyConnection, first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        events, config = level_set(seed, SIZE)
        assert differences(con, events, config, KEYS, figures_of) == [], f"level_set({seed}, {SIZE})"
