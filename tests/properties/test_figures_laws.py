"""The invariants of semantics §9: marketing's share, and the revenue of all campaigns."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given

from nisba.attribution import fold
from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.oracle.figures import MEASURES, campaign_roi, marketing_share, periods
from tests.strategies import Event, configs, event_sets, facts_of


def books(events: list[Event], config: Config) -> Rows:
    return rows_of(fold(facts_of(events), config).tables())


@given(event_sets(), configs())
def test_marketing_share_keeps_its_order_by_deals(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    own = {line["model"] for line in rows["credit_line"] if line["journey"] != "default"}
    for (_, _, _, model), row in marketing_share(rows, config).items():
        counts = [row[f"{name}_deals"] for name in ("sourced_first_touch", "influenced", "coverage")]
        assert [*counts, row["won_deals"]] == sorted([*counts, row["won_deals"]])
        assert row["sourced_before_sales_deals"] <= row["influenced_deals"]
        assert model in own or row["attributed_deals"] <= row["influenced_deals"]


@given(event_sets(), configs())
def test_marketing_share_keeps_its_order_by_revenue_of_bookings(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    own = {line["model"] for line in rows["credit_line"] if line["journey"] != "default"}
    for (kind, period, _, model), row in marketing_share(rows, config).items():
        if _kinds(rows, kind, period, config) <= {"booking"}:
            amounts = [row["sourced_first_touch"], row["influenced"], row["coverage"], row["won_revenue"]]
            assert amounts == sorted(amounts)
            assert row["sourced_before_sales"] <= row["influenced"]
            assert model in own or row["attributed"] <= row["influenced"]


def _kinds(rows: Rows, kind: str, period: str, config: Config) -> set[str]:
    return {e["entry"] for e in rows["entry"] if e["is_final"] and (kind, period) in periods(e["booked_on"], config)}


@given(event_sets(), configs())
def test_segments_add_up_to_all(events: list[Event], config: Config) -> None:
    totals: dict[Any, dict[bool, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for (kind, period, segment, model), row in marketing_share(books(events, config), config).items():
        for measure in ("won_revenue", "won_deals", *MEASURES, *(f"{name}_deals" for name in MEASURES)):
            totals[kind, period, model, measure][segment == "all"] += Fraction(row[measure])
    for of_segments in totals.values():
        assert of_segments[True] == of_segments[False]


@given(event_sets(), configs())
def test_revenue_of_all_campaigns_is_the_won_revenue(events: list[Event], config: Config) -> None:
    rows = books(events, config)
    won: dict[Any, Decimal] = defaultdict(Decimal)
    for entry in rows["entry"]:
        if entry["is_final"]:
            for period in periods(entry["booked_on"], config):
                won[period] += entry["amount_reporting"] or 0
    credited: dict[Any, Decimal] = defaultdict(Decimal)
    for (kind, name, _, model), row in campaign_roi(rows, config).items():
        credited[kind, name, model] += row["revenue"]
    for (kind, name, _), revenue in credited.items():
        assert revenue == won[kind, name]
