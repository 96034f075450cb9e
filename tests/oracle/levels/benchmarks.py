"""What is good, and what reaching it would be worth (figures §5): `marts.benchmark`, `marts.advice`.

`sentence_key` and `evidence` are words, and not made here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.config import Config
from tests.oracle.figures import periods
from tests.oracle.levels.funnel import PAIRS
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import Key, default_model, final_entries, months_between
from tests.oracle.levels.world import World, ends_at, quantile, ratio, span

__all__ = ["Measured", "advice", "benchmark", "measured"]

Tables = Mapping[str, Iterable[Row]]

LOWER_IS_BETTER = ("cost_per_mql", "breach_pct", "cycle_days", "exception_share_of_revenue")
NO_PEERS = ("(none)", "(unattributed)")
FEWEST_PEERS = 4
PERIOD_KINDS = ("quarter", "year")
ADVISED = ("roi", "cost_per_mql", "win_rate", "exception_share_of_revenue", *(f"rate_{before}_{after}" for before, after in PAIRS))
"""The metrics for which the contract says what reaching the best quartile would be worth."""


@dataclass(frozen=True)
class Measured:
    """A metric of an entity in a period."""

    metric: str
    entity_kind: str
    entity: str
    period_kind: str
    period: str
    value: Fraction
    sample: int
    base: Fraction | None
    """What one unit of the metric is worth in money; of a conversion rate, the passes that it is of."""

    @property
    def is_higher_better(self) -> bool:
        """Tell which way is up."""
        return self.metric not in LOWER_IS_BETTER

    @property
    def peers(self) -> Key:
        """Return whom it is compared with."""
        return self.metric, self.entity_kind, self.period_kind, self.period


# What is measured


def measured(tables: Tables, config: Config) -> list[Measured]:
    """Return every metric that has a value, in quarters and years."""
    sources: tuple[Callable[[Tables, str], Iterator[Row]], ...] = (
        _returns,
        _shares,
        _rates,
        _breaches,
        _velocities,
        _adherence,
        _exceptions,
    )
    model = default_model(config)
    rows = [row for source in sources for row in source(tables, model)]
    return [
        Measured(**{**row, "value": Fraction(row["value"]), "base": None if row["base"] is None else Fraction(row["base"])})
        for row in rows
        if row["value"] is not None and row["period_kind"] in PERIOD_KINDS
    ]


def _metric(row: Row, metric: str, entity: tuple[str, str], value: Any, sample: int, base: Any = None) -> Row:
    return {
        "metric": metric,
        "entity_kind": entity[0],
        "entity": entity[1],
        "period_kind": row["period_kind"],
        "period": row["period"],
        "value": value,
        "sample": sample,
        "base": base,
    }


def _returns(tables: Tables, model: str) -> Iterator[Row]:
    for kind, table, name in (("campaign", "marts.campaign_roi", "campaign_id"), ("channel", "marts.channel_roi", "channel")):
        for row in tables[table]:
            if row["model"] == model:
                entity = (kind, row[name])
                yield _metric(row, "roi", entity, row["roi"], row["won_deals"], row["cost"])
                yield _metric(row, "realized_roi", entity, row["realized_roi"], row["won_deals"])
                yield _metric(row, "cost_per_mql", entity, row["cost_per_mql"], row["mqls"], row["mqls"])


def _shares(tables: Tables, model: str) -> Iterator[Row]:
    for row in tables["marts.marketing_share"]:
        if row["model"] == model and row["segment_kind"] == "segment":
            yield _metric(row, "attributed_pct", ("segment", row["segment"]), row["attributed_pct"], row["won_deals"])


def _rates(tables: Tables, _: str) -> Iterator[Row]:
    for row in tables["marts.funnel"]:
        if row["view"] == "cohort" and row["segment_kind"] in ("channel", "segment"):
            metric = f"rate_{row['from_stage']}_{row['to_stage']}"
            yield _metric(row, metric, (row["segment_kind"], row["segment"]), row["rate"], row["entered"], row["entered"])


def _breaches(tables: Tables, _: str) -> Iterator[Row]:
    """Yield breaches over all rules together."""
    sums: dict[Key, tuple[int, int]] = {}
    for row in tables["marts.lead_sla_summary"]:
        if row["segment_kind"] in ("owner", "segment"):
            key = row["period_kind"], row["period"], row["segment_kind"], row["segment"]
            breached, decided = sums.get(key, (0, 0))
            sums[key] = breached + row["breached"], decided + row["decided"]
    for (kind, period, segment_kind, segment), (breached, decided) in sums.items():
        of = {"period_kind": kind, "period": period}
        yield _metric(of, "breach_pct", (segment_kind, segment), ratio(100 * breached, decided), decided)


def _velocities(tables: Tables, _: str) -> Iterator[Row]:
    for row in tables["marts.velocity"]:
        if row["segment_kind"] in ("segment", "owner"):
            closed = row["won"] + row["lost"]
            worth = None if row["average_value"] is None else closed * row["average_value"]
            for metric, base in (("win_rate", worth), ("cycle_days", None), ("velocity_per_day", None)):
                yield _metric(row, metric, (row["segment_kind"], row["segment"]), row[metric], closed, base)


def _adherence(tables: Tables, _: str) -> Iterator[Row]:
    for row in tables["marts.crm_adherence"]:
        if row["segment_kind"] == "owner" and row["check"] == "all":
            yield _metric(row, "adherence_score", ("owner", row["segment"]), row["score"], row["applicable"])


def _exceptions(tables: Tables, model: str) -> Iterator[Row]:
    """Yield the share of exceptions of each owner: none at all where deals were won without any."""
    place = ("period_kind", "period", "segment")
    won = {
        tuple(row[name] for name in place): row
        for row in tables["marts.marketing_share"]
        if row["segment_kind"] == "owner" and row["model"] == model
    }
    costs = {
        tuple(row[name] for name in place): row
        for row in tables["marts.exception_cost"]
        if row["segment_kind"] == "owner" and row["rule"] == "all"
    }
    for key in dict.fromkeys([*won, *costs]):
        revenue, deals = (won[key]["won_revenue"], won[key]["won_deals"]) if key in won else (None, 0)
        if key in costs or deals > 0:
            share = costs[key]["share_of_revenue"] if key in costs else 0
            row = dict(zip(place, key, strict=True))
            yield _metric(row, "exception_share_of_revenue", ("owner", row["segment"]), share, deals, revenue)


# How good that is


def benchmark(found: list[Measured], config: Config) -> list[Row]:
    """Return each metric beside the entity's own past and the best of its kind."""
    return [_benchmark(one, found, config) for one in found]


def _benchmark(one: Measured, found: list[Measured], config: Config) -> Row:
    own_year, best = _own_year(one, found, config), best_quartile(one, found, config)
    return {
        "metric": one.metric,
        "entity_kind": one.entity_kind,
        "entity": one.entity,
        "period_kind": one.period_kind,
        "period": one.period,
        "value": one.value,
        "sample": one.sample,
        "own_year": own_year,
        "best_quartile": best,
        "gap_to_own": None if own_year is None else one.value - own_year,
        "gap_to_best": None if best is None else one.value - best,
        "is_higher_better": one.is_higher_better,
        "is_enough": one.sample >= config.benchmarks.min_sample,
    }


def quarters_before(kind: str, period: str, config: Config) -> list[str]:
    """Return the four quarters before a period.

    >>> quarters_before("quarter", "2026-Q2", Config()), quarters_before("year", "2026", Config())
    (['2026-Q1', '2025-Q4', '2025-Q3', '2025-Q2'], ['2025-Q4', '2025-Q3', '2025-Q2', '2025-Q1'])
    """
    first, names = span(kind, period, config)[0], []
    for _ in range(4):
        names.append(periods(first - dt.timedelta(days=1), config)[1][1])
        first = span("quarter", names[-1], config)[0]
    return names


def _own_year(one: Measured, found: list[Measured], config: Config) -> Fraction | None:
    before = quarters_before(one.period_kind, one.period, config)
    values = [
        other.value
        for other in found
        if (other.metric, other.entity_kind, other.entity) == (one.metric, one.entity_kind, one.entity)
        and other.period_kind == "quarter"
        and other.period in before
    ]
    return ratio(sum(values), len(values)) if len(values) >= 2 else None


def best_quartile(one: Measured, found: list[Measured], config: Config) -> Fraction | None:
    """Return from where on an entity is among the best quarter of its kind; None where there are too few."""
    values = [
        other.value
        for other in found
        if other.peers == one.peers and other.sample >= config.benchmarks.min_sample and other.entity not in NO_PEERS
    ]
    if len(values) < FEWEST_PEERS:
        return None
    return quantile(values, "0.75" if one.is_higher_better else "0.25")


# What reaching it would be worth


def advice(world: World, found: list[Measured], lead_stage: Iterable[Row]) -> list[Row]:
    """Return the largest sums that reaching the best quartile would be worth, of the latest complete quarter."""
    quarter = _latest_quarter(world)
    if quarter is None:
        return []
    stages = list(lead_stage)
    worth = [(_worth(world, one, found, stages), one) for one in found if (one.period_kind, one.period) == ("quarter", quarter)]
    largest = sorted(
        ((money, one) for money, one in worth if money is not None and money > 0),
        key=lambda pair: (-pair[0], pair[1].metric, pair[1].entity_kind, pair[1].entity),
    )
    return [
        {
            "rank": rank,
            "metric": one.metric,
            "entity_kind": one.entity_kind,
            "entity": one.entity,
            "value": one.value,
            "best_quartile": best_quartile(one, found, world.config),
            "money": money,
        }
        for rank, (money, one) in enumerate(largest[: world.config.benchmarks.advice_count], start=1)
    ]


def _latest_quarter(world: World) -> str | None:
    """Return the latest quarter that has ended at `as_of`."""
    if world.as_of is None:
        return None
    quarter = periods(world.day(world.as_of), world.config)[1][1]
    if ends_at("quarter", quarter, world.config) <= world.as_of:
        return quarter
    return quarters_before("quarter", quarter, world.config)[0]


def _worth(world: World, one: Measured, found: list[Measured], lead_stage: list[Row]) -> Fraction | None:
    best = best_quartile(one, found, world.config)
    if one.metric not in ADVISED or best is None or one.base is None or one.sample < world.config.benchmarks.min_sample:
        return None
    missing = (best - one.value if one.is_higher_better else one.value - best) * one.base
    if not one.metric.startswith("rate_"):
        return missing
    each = _revenue_per_pass(world, one.metric.split("_")[2], one.period, lead_stage)
    return None if each is None else missing * each


def _revenue_per_pass(world: World, stage: str, quarter: str, lead_stage: list[Row]) -> Fraction | None:
    """Return the revenue won in the year that ends with a quarter, per pass that entered a stage in it."""
    last = span("quarter", quarter, world.config)[1]
    months = set(list(months_between(dt.date(last.year - 1, last.month, 1), last))[1:])
    revenue = sum((entry["amount_reporting"] for entry in final_entries(world) if entry["booked_on"].replace(day=1) in months), Decimal(0))
    passes = [row for row in lead_stage if row["stage"] == stage and row["entered_on"].replace(day=1) in months]
    return ratio(revenue, len(passes))
