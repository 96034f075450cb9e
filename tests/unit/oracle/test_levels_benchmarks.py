"""What is good, and what reaching it would be worth (figures §5), worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.agreements import Benchmarks
from nisba.config import Attribution, Config, Reporting
from tests.level_sets import level_set
from tests.oracle.levels.benchmarks import Measured, advice, benchmark, measured
from tests.oracle.levels.sales import sales_figures
from tests.oracle.levels.world import world
from tests.strategies import Event, event
from tests.unit.oracle.lead_facts import at, deal, lead, only, touch

Rows = list[dict[str, Any]]

NAMES = ("campaign_roi", "channel_roi", "marketing_share", "funnel", "lead_sla_summary", "velocity", "crm_adherence", "exception_cost")
LINEAR = Config(attribution=Attribution(models=("linear", "first_touch")))
QUARTER = {"period_kind": "quarter", "period": "2026-Q1"}


def found(**tables: Rows) -> list[tuple[str, str, str, Any, int, Any]]:
    """Return what is measured in tables, all of the first quarter: metric, kind, entity, value, sample, base."""
    whole: dict[str, Rows] = {f"marts.{name}": [QUARTER | row for row in tables.get(name, [])] for name in NAMES}
    return [(one.metric, one.entity_kind, one.entity, one.value, one.sample, one.base) for one in measured(whole, LINEAR)]


# What is measured


def test_returns_are_measured_by_campaign_and_channel() -> None:
    row = {
        "model": "linear",
        "campaign_id": "c",
        "channel": "paid",
        "roi": Fraction(2),
        "realized_roi": Fraction(3),
        "won_deals": 4,
        "cost": Decimal(50),
        "cost_per_mql": Fraction(5),
        "mqls": 10,
    }
    others = [row | {"model": "first_touch"}, row | {"period_kind": "month"}]
    assert found(campaign_roi=[row, *others]) == [
        ("roi", "campaign", "c", 2, 4, 50),
        ("realized_roi", "campaign", "c", 3, 4, None),
        ("cost_per_mql", "campaign", "c", 5, 10, 10),
    ]
    assert [one[:3] for one in found(channel_roi=[row | {"roi": None}])] == [
        ("realized_roi", "channel", "paid"),
        ("cost_per_mql", "channel", "paid"),
    ]


def test_shares_are_measured_by_segment() -> None:
    row = {"model": "linear", "segment_kind": "segment", "segment": "smb", "attributed_pct": Fraction(40), "won_deals": 3, "won_revenue": 9}
    assert found(marketing_share=[row, row | {"segment_kind": "region"}, row | {"segment_kind": "all"}]) == [
        ("attributed_pct", "segment", "smb", 40, 3, None)
    ]


def test_rates_are_measured_by_channel_and_segment() -> None:
    row = {"view": "cohort", "segment_kind": "channel", "segment": "paid", "from_stage": "mql", "to_stage": "customer", "entered": 8}
    row |= {"rate": Fraction(1, 4)}
    rows = [row, row | {"view": "passport"}, row | {"segment_kind": "segment", "segment": "smb"}, row | {"segment_kind": "owner"}]
    assert found(funnel=rows) == [
        ("rate_mql_customer", "channel", "paid", Fraction(1, 4), 8, 8),
        ("rate_mql_customer", "segment", "smb", Fraction(1, 4), 8, 8),
    ]


def test_breaches_are_measured_over_all_rules() -> None:
    row = {"rule_id": "r", "segment_kind": "owner", "segment": "Ada", "breached": 1, "decided": 4}
    rows = [row, row | {"rule_id": "q", "breached": 2, "decided": 2}, row | {"segment_kind": "channel"}, row | {"segment_kind": "all"}]
    assert found(lead_sla_summary=rows) == [("breach_pct", "owner", "Ada", 50, 6, None)]
    assert found(lead_sla_summary=[row | {"breached": 0, "decided": 0}]) == []


def test_velocity_is_measured_by_segment_and_owner() -> None:
    row = {"segment_kind": "owner", "segment": "Ada", "won": 3, "lost": 1, "average_value": Fraction(10)}
    row |= {"win_rate": Fraction(3, 4), "cycle_days": Fraction(9), "velocity_per_day": None}
    rows = [row, row | {"segment_kind": "product"}, row | {"segment_kind": "segment", "segment": "smb", "average_value": None}]
    assert found(velocity=rows) == [
        ("win_rate", "owner", "Ada", Fraction(3, 4), 4, 40),
        ("cycle_days", "owner", "Ada", 9, 4, None),
        ("win_rate", "segment", "smb", Fraction(3, 4), 4, None),
        ("cycle_days", "segment", "smb", 9, 4, None),
    ]


def test_adherence_is_measured_by_owner() -> None:
    row = {"segment_kind": "owner", "segment": "Ada", "check": "all", "applicable": 5, "score": Fraction(80)}
    rows = [row, row | {"check": "amount_present"}, row | {"segment_kind": "segment"}]
    assert found(crm_adherence=rows) == [("adherence_score", "owner", "Ada", 80, 5, None)]


def test_exceptions_are_measured_by_owner() -> None:
    won = {"model": "linear", "segment_kind": "owner", "attributed_pct": None, "won_revenue": Decimal(100)}
    shares = [
        won | {"segment": "Ada", "won_deals": 2},
        won | {"segment": "Ben", "won_deals": 1},
        won | {"segment": "Cleo", "won_deals": 0},  # had revenue, of a deal that is not won now
        won | {"segment": "Ada", "won_deals": 2, "model": "first_touch"},
    ]
    cost = {"segment_kind": "owner", "segment": "Ada", "rule": "all", "share_of_revenue": Fraction(1, 5)}
    costs = [cost, cost | {"rule": "no_contact"}, cost | {"segment": "Dina", "share_of_revenue": None}]
    assert found(marketing_share=shares, exception_cost=costs) == [
        ("exception_share_of_revenue", "owner", "Ada", Fraction(1, 5), 2, 100),
        ("exception_share_of_revenue", "owner", "Ben", 0, 1, 100),
    ]


# How good that is


def one(entity: str, value: Any, sample: int = 10, **more: Any) -> Measured:
    """Return a metric of an entity."""
    usual = {"metric": "win_rate", "entity_kind": "owner", "period_kind": "quarter", "period": "2026-Q1", "base": None}
    return Measured(**(usual | {"entity": entity, "value": Fraction(value), "sample": sample} | more))  # type: ignore[arg-type]


def beside(*of: Measured, entity: str = "a", min_sample: int = 10, **where: Any) -> dict[str, Any]:
    """Return the benchmark of an entity."""
    return only(benchmark(list(of), Config(benchmarks=Benchmarks(min_sample=min_sample))), entity=entity, **(QUARTER | where))


FOUR = [one("a", 1), one("b", 2), one("c", 3), one("d", 5)]


def test_the_best_quartile_is_interpolated() -> None:
    row = beside(*FOUR)
    assert (row["best_quartile"], row["gap_to_best"], row["is_higher_better"], row["is_enough"]) == (
        Fraction(7, 2),
        Fraction(-5, 2),
        True,
        True,
    )
    assert beside(*FOUR, entity="d")["best_quartile"] == Fraction(7, 2)  # itself included
    lower = [one(of.entity, of.value, metric="cycle_days") for of in FOUR]
    row = beside(*lower)
    assert (row["best_quartile"], row["gap_to_best"], row["is_higher_better"]) == (Fraction(7, 4), Fraction(-3, 4), False)


def test_at_least_four_are_compared() -> None:
    assert beside(*FOUR[:3])["best_quartile"] is None
    assert beside(*FOUR[:3])["gap_to_best"] is None
    few = one("e", 9, 9)  # one deal too few
    assert beside(*FOUR[:3], few)["best_quartile"] is None
    assert beside(*FOUR, few)["best_quartile"] == Fraction(7, 2)
    row = beside(*FOUR, few, entity="e")
    assert (row["best_quartile"], row["is_enough"]) == (Fraction(7, 2), False)
    for nobody in ("(none)", "(unattributed)"):
        assert beside(*FOUR[:3], one(nobody, 9))["best_quartile"] is None
        assert beside(*FOUR, one(nobody, 9), entity=nobody)["best_quartile"] == Fraction(7, 2)


@pytest.mark.parametrize(
    "apart", [{"metric": "velocity_per_day"}, {"entity_kind": "segment"}, {"period": "2025-Q4"}, {"period_kind": "year", "period": "2026"}]
)
def test_only_those_of_a_kind_are_compared(apart: dict[str, Any]) -> None:
    other = one("d", 5, **apart)
    assert beside(*FOUR[:3], other)["best_quartile"] is None


def test_the_own_year_is_that_of_the_four_quarters_before() -> None:
    def of(period: str, value: int, entity: str = "a", **more: Any) -> Measured:
        return one(entity, value, period=period, **more)

    row = beside(one("a", 10), of("2025-Q4", 1), of("2025-Q1", 4))
    assert (row["own_year"], row["gap_to_own"]) == (Fraction(5, 2), Fraction(15, 2))
    assert beside(one("a", 10), of("2025-Q4", 1))["own_year"] is None
    assert beside(one("a", 10), of("2025-Q4", 1), of("2024-Q4", 1))["own_year"] is None
    assert beside(one("a", 10), of("2025-Q4", 1), of("2025-Q3", 1, sample=0))["own_year"] == 1  # small ones have a value too
    assert beside(one("a", 10), of("2025-Q4", 1), of("2025-Q3", 1, entity="b"))["own_year"] is None
    year: dict[str, Any] = {"period_kind": "year", "period": "2026"}
    row = beside(one("a", 10, **year), of("2026-Q1", 9), of("2025-Q4", 1), of("2025-Q1", 4), **year)
    assert row["own_year"] == Fraction(5, 2)


# What reaching it would be worth


def advised(
    *of: Measured, now: str = "2026-04-01", events: tuple[Event, ...] = (), stages: Rows | None = None, **more: Any
) -> list[tuple[Any, ...]]:
    """Return advice: rank, metric, entity and money."""
    as_of = dt.datetime.fromisoformat(at(now).replace("Z", "+00:00"))
    settings = {"min_sample": 10} | more
    config = Config(reporting=Reporting(as_of=as_of), benchmarks=Benchmarks(**settings))
    rows = advice(world(events, config), list(of), stages or [])
    return [(row["rank"], row["metric"], row["entity"], row["money"]) for row in rows]


def like(metric: str, *values: Any, base: Any = 100, **more: Any) -> list[Measured]:
    """Return a metric of four entities or more, each with the same base."""
    return [
        one(name, value, metric=metric, base=None if base is None else Fraction(base), **more)
        for name, value in zip("abcde", values, strict=False)
    ]


def test_what_is_below_the_best_quartile_is_worth_something() -> None:
    expected = [(1, "win_rate", "a", 250), (2, "win_rate", "b", 150), (3, "win_rate", "c", 50)]
    assert advised(*like("win_rate", 1, 2, 3, 5)) == expected
    assert advised(*like("roi", 1, 2, 3, 5)) == [(rank, "roi", name, money) for rank, _, name, money in expected]
    assert advised(*like("win_rate", 1, 2, 3, 5), advice_count=1) == expected[:1]
    assert advised(*like("win_rate", 1, 2, 3, 5), advice_count=0) == []
    assert advised(*like("win_rate", 2, 2, 2, 2)) == []


def test_where_lower_is_better_it_is_what_is_above() -> None:
    assert advised(*like("cost_per_mql", 1, 2, 3, 5)) == [
        (1, "cost_per_mql", "d", 325),
        (2, "cost_per_mql", "c", 125),
        (3, "cost_per_mql", "b", 25),
    ]
    assert advised(*like("exception_share_of_revenue", 0, 0, 0, 2)) == [(1, "exception_share_of_revenue", "d", 200)]


def test_some_metrics_are_worth_nothing_in_money() -> None:
    for metric in ("realized_roi", "attributed_pct", "breach_pct", "cycle_days", "velocity_per_day", "adherence_score"):
        assert advised(*like(metric, 1, 2, 3, 5)) == []
    assert advised(*like("win_rate", 1, 2, 3, 5, base=None)) == []


def test_nothing_is_said_of_too_few() -> None:
    few = one("few", 0, 9, base=Fraction(100))
    assert "few" not in [name for _, _, name, _ in advised(*like("win_rate", 1, 2, 3, 5), few)]
    assert "few" in [name for _, _, name, _ in advised(*like("win_rate", 1, 2, 3, 5), few, min_sample=9)]


@pytest.mark.parametrize(
    ("now", "quarter"),
    [
        ("2026-03-31 23:59:59.999998", "2025-Q4"),
        ("2026-03-31 23:59:59.999999", "2026-Q1"),
        ("2026-06-30 23:59:59.999998", "2026-Q1"),
        ("2026-07-01", "2026-Q2"),
    ],
)
def test_the_latest_complete_quarter_is_spoken_of(now: str, quarter: str) -> None:
    for period in ("2025-Q4", "2026-Q1", "2026-Q2"):
        assert bool(advised(*like("win_rate", 1, 2, 3, 5, period=period), now=now)) == (period == quarter)
    assert advised(*like("win_rate", 1, 2, 3, 5, period_kind="year", period="2025"), now=now) == []


def test_all_metrics_are_ranked_together() -> None:
    made = advised(*like("win_rate", 1, 2, 3, 5), *like("roi", 1, 2, 3, 5, base=120))
    assert [(metric, name, money) for _, metric, name, money in made][:3] == [("roi", "a", 300), ("win_rate", "a", 250), ("roi", "b", 180)]
    assert [rank for rank, *_ in made] == [1, 2, 3, 4, 5, 6]


def test_passes_are_worth_the_revenue_of_the_trailing_year_each() -> None:
    """1,200 were won from April 2025 to March 2026, when four passes became SQL: 300 each."""
    usual = {"amount": "600.00", "currency": "USD"}
    events = (
        deal("d1", "2025-03-31", "2025-04-01 00:00", **usual),
        deal("d2", "30", "31 23:59:59.999999", **usual),
        deal("d3", "2025-03-30", "2025-03-31", **usual),
        deal("d4", "30", "2026-04-01 00:00", **usual),
    )
    days = ("2025-03-31", "2025-04-01", "2025-12-01", "2026-01-01", "2026-03-31", "2026-04-01")
    stages = [{"stage": "sql", "entered_on": dt.date.fromisoformat(day)} for day in days]
    others = [{"stage": "sal", "entered_on": dt.date(2026, 1, 1)}]
    of = like("rate_sal_sql", "0.1", "0.2", "0.3", "0.5", base=10)
    made = advised(*of, now="2026-04-02", events=events, stages=stages + others)
    assert made == [(1, "rate_sal_sql", "a", 750), (2, "rate_sal_sql", "b", 450), (3, "rate_sal_sql", "c", 150)]
    assert advised(*of, now="2026-04-02", events=events, stages=others) == []


# From events


def test_owners_from_events() -> None:
    """Of four owners, three win two of two; Dina wins one of four for 100: the best quartile wins all."""
    usual: dict[str, Any] = {"amount": "100.00", "currency": "USD", "contact_ids": ["p"]}
    events = [deal(f"{owner}{n}", "2", "9", owner=owner, account_id=owner, **usual) for owner in ("Ada", "Ben", "Cleo") for n in (1, 2)]
    events += [deal(f"Dina{n}", "2", "9", "won" if n == 0 else "lost", owner="Dina", loss_reason="price", **usual) for n in range(4)]
    events += [lead("mql", "2026-04-01")]
    tables = sales_figures(events, Config(benchmarks=Benchmarks(min_sample=2)))
    dina = only(tables["marts.benchmark"], metric="win_rate", entity="Dina", **QUARTER)
    assert (dina["value"], dina["sample"], dina["best_quartile"], dina["gap_to_best"]) == (Fraction(1, 4), 4, 1, Fraction(-3, 4))
    assert only(tables["marts.benchmark"], metric="exception_share_of_revenue", entity="Ada", **QUARTER)["value"] == 0
    assert only(tables["marts.benchmark"], metric="adherence_score", entity="Ada", **QUARTER)["sample"] == 4
    assert tables["marts.advice"] == [
        {
            "rank": 1,
            "metric": "win_rate",
            "entity_kind": "owner",
            "entity": "Dina",
            "value": Fraction(1, 4),
            "best_quartile": 1,
            "money": 300,  # three quarters of four deals of 100
        }
    ]


def test_campaigns_from_events() -> None:
    spends = [
        event("spend", "ads", name, at("1"), {"campaign_id": name, "amount": amount, "currency": "USD", "starts_on": "2026-03-02"})
        for name, amount in (("a", "10.00"), ("b", "10.00"), ("c", "10.00"), ("d", "40.00"))
    ]
    events: list[Event] = [*spends, lead("rejected", "2026-04-01", lead_id="x")]
    for name in "abcd":
        events += [touch("3", name, f"t{name}", campaign_id=name, account_id=name)]
        events += [lead("mql", "4", lead_id=f"{name}{n}", person_id=name) for n in (1, 2)]
        events += [deal(name, "4", "9", account_id=name, amount="20.00", currency="USD")]
    tables = sales_figures(events, Config(attribution=Attribution(models=("linear",)), benchmarks=Benchmarks(min_sample=1)))
    roi = only(tables["marts.benchmark"], metric="roi", entity="d", **QUARTER)
    assert (roi["value"], roi["best_quartile"]) == (Fraction(-1, 2), 1)
    said = [(row["metric"], row["entity"], row["money"]) for row in tables["marts.advice"] if row["entity_kind"] == "campaign"]
    assert said == [("roi", "d", 60), ("cost_per_mql", "d", 30)]  # (1 + 1/2) × 40; (20 − 5) × 2


@pytest.mark.parametrize("seed", range(8))
def test_tables_are_the_same_in_whatever_order_events_come(seed: int) -> None:
    events, config = level_set(seed)
    tables, again = sales_figures(events, config), sales_figures(events[::-1], config)
    for name, rows in tables.items():
        assert sorted(map(repr, rows)) == sorted(map(repr, again[name])), name
