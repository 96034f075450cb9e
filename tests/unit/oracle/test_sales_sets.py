"""The sets of events for the figures of deals are what they say: the same of a seed, valid, with peers to compare and rules to break."""

from __future__ import annotations

from collections import Counter
from functools import cache

from nisba.agreements import exception_rules
from nisba.config import Config
from tests.level_sets import level_set
from tests.oracle import Rows
from tests.oracle.levels.exceptions import sales_exception
from tests.oracle.levels.passes import passes
from tests.oracle.levels.sales import sales_figures
from tests.oracle.levels.world import world
from tests.sales_sets import sales_set
from tests.strategies import facts_of

SEEDS = (0, 2)


@cache
def tables(seed: int) -> Rows:
    """Return the tables of a set."""
    return sales_figures(*sales_set(seed))


def test_a_seed_is_a_set() -> None:
    assert sales_set(7) == sales_set(7)
    assert sales_set(7) != sales_set(8)
    assert facts_of(sales_set(7)[0]).deal.num_rows > 50


def test_every_table_has_rows() -> None:
    assert [name for seed in SEEDS for name, rows in tables(seed).items() if not rows] == []


def test_there_is_somebody_to_compare_with_and_something_to_advise() -> None:
    rows = [row for seed in SEEDS for row in tables(seed)["marts.benchmark"]]
    compared = Counter(row["metric"] for row in rows if row["best_quartile"] is not None and row["own_year"] is not None)
    assert {"roi", "cost_per_mql", "win_rate", "cycle_days", "adherence_score", "exception_share_of_revenue"} <= compared.keys()
    advised = {row["metric"] for seed in SEEDS for row in tables(seed)["marts.advice"]}
    assert {"roi", "cost_per_mql", "win_rate", "exception_share_of_revenue", "rate_sal_sql"} <= advised


def test_revenue_grows_with_the_age_of_touches() -> None:
    growth = [row["growth"] for seed in SEEDS for row in tables(seed)["marts.maturation"]]
    assert sum(factor not in (None, 1) for factor in growth) >= 4


def test_small_sets_break_every_rule() -> None:
    worlds = [world(*level_set(seed)) for seed in range(60)]
    counts = Counter(row["rule"] for one in worlds for row in sales_exception(one, passes(one)))
    assert [name for name, _ in exception_rules(Config().exceptions) if counts[name] < 2] == []
