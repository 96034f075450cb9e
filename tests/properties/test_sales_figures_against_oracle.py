"""Figures of deals, campaigns, exceptions, records, benchmarks and advice are an oracle's, over hundreds of small firms."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.compared_figures import differences, new_warehouse
from tests.level_sets import level_set
from tests.oracle.levels.sales import sales_figures_of
from tests.sales_sets import sales_set

PERIOD = ("period_kind", "period")
SEGMENT = (*PERIOD, "segment_kind", "segment")
KEYS = {
    "marts.velocity": SEGMENT,
    "marts.cac": PERIOD,
    "marts.campaign_roi": (*PERIOD, "campaign_id", "model"),
    "marts.campaign_tree": (*PERIOD, "campaign_id", "model"),
    "marts.channel_roi": (*PERIOD, "channel", "model"),
    "marts.marketing_share": (*SEGMENT, "model"),
    "marts.sales_exception": ("exception_id", "source"),
    "marts.exception_cost": (*SEGMENT, "rule"),
    "marts.crm_adherence": (*SEGMENT, "check"),
    "marts.crm_adherence_failure": (*PERIOD, "check", "deal_id", "lead_id", "pass_no", "rule_id"),
    "marts.deal_share": (*PERIOD, "model", "deal_id"),
    "marts.touch_activity": ("day", "channel", "campaign_id", "kind"),
    "marts.pipeline_created": (*PERIOD, "dimension_kind", "dimension", "model"),
    "marts.maturation": ("age",),
    "marts.model_range": (*PERIOD, "entity_kind", "entity"),
    "marts.benchmark": ("metric", "entity_kind", "entity", *PERIOD),
    "marts.advice": ("rank",),
}
SETS, AT_ONCE = 250, 25
"""Of each of the two kinds of firms: those in which every rule meets its edge, and those with enough owners and channels to compare."""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as connection:
        yield connection


@pytest.mark.parametrize("first", range(0, SETS, AT_ONCE))
@pytest.mark.parametrize("make", [level_set, sales_set])
def test_figures_of_sales_are_the_oracles(con: duckdb.DuckDBPyConnection, make, first: int) -> None:  # type: ignore[no-untyped-def]
    for seed in range(first, first + AT_ONCE):
        events, config = make(seed)
        assert differences(con, events, config, KEYS, sales_figures_of) == [], f"{make.__name__}({seed})"
