"""How fast deals move, what a customer costs, and whose the revenue is (figures §2).

`marts.velocity`, `marts.cac`, `marts.marketing_share` with its kinds of segments and trailing years, and `marts.deal_share` behind it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.figures import MEASURES, by_deal, credits, marketing_share, memberships, percent, periods, weight_of_marketing
from tests.oracle.journeys import DAY, opened
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import DEAL_KINDS, final_entries, named, periods_between, segments_of_deal
from tests.oracle.levels.world import World, ends_at, ratio, span, state_at, ttm, wilson
from tests.oracle.models import models

__all__ = ["cac", "deal_share", "marketing_shares", "velocity"]

ZERO = Decimal(0)

# How fast deals move


@dataclass
class Moved:
    """The deals of a segment that something happened to in a period, as rows of `core.deal`."""

    opened: list[Row] = field(default_factory=list)
    open: list[Row] = field(default_factory=list)
    won: list[Row] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)


def velocity(world: World) -> list[Row]:
    """Return one row per period until the month of `as_of`, and segment, in which a deal was opened, open, won or lost."""
    days = [day for deal in world.books["deal"] for day in _days_of(world, deal)]
    if world.as_of is None or not days:
        return []
    today = world.day(world.as_of)
    found = periods_between(min([today, *days]), today, world.config)
    rows = [row for period in found for row in _velocities(world, *period)]
    trailing = ttm(row["period"] for row in rows if row["period_kind"] == "month")
    return [*rows, *(row for month in trailing for row in _velocities(world, "ttm", month))]


def _days_of(world: World, deal: Row) -> list[dt.date]:
    """Return the days before which a deal is in no row."""
    one = world.deals[deal["deal_id"]]
    return [world.day(time) for time in (opened(one.current), *(state.time for state in one.states))]


def _velocities(world: World, kind: str, period: str) -> list[Row]:
    first, last = span(kind, period, world.config)
    until = ends_at(kind, period, world.config)
    groups: dict[tuple[str, str], Moved] = {}
    for deal in world.books["deal"]:
        one = world.deals[deal["deal_id"]]
        state = state_at(one, until)
        closed = deal["status"] if deal["status"] != "open" and first <= deal["closed_on"] <= last else None
        for segment in segments_of_deal(deal):
            moved = groups.setdefault(segment, Moved())
            moved.opened += [deal] * (first <= world.day(opened(one.current)) <= last)
            moved.open += [deal] * (state is not None and state.get("status") == "open")
            moved.won += [deal] * (closed == "won")
            moved.lost += [deal] * (closed == "lost")
    return [
        {"period_kind": kind, "period": period, "segment_kind": segment_kind, "segment": segment, **_velocity(world, moved)}
        for (segment_kind, segment), moved in groups.items()
        if moved.opened or moved.open or moved.won or moved.lost
    ]


def _velocity(world: World, moved: Moved) -> Row:
    closed = len(moved.won) + len(moved.lost)
    win_rate, (low, high) = ratio(len(moved.won), closed), wilson(len(moved.won), closed)
    average_value = _mean([deal["amount_reporting"] for deal in moved.won if deal["amount_reporting"] is not None])
    states = [world.deals[deal["deal_id"]].current for deal in moved.won]
    cycle_days = _mean([Fraction(state.get("closed_at") - opened(state), DAY) for state in states])
    return {
        "opened": len(moved.opened),
        "open_deals": len(moved.open),
        "won": len(moved.won),
        "lost": len(moved.lost),
        "win_rate": win_rate,
        "win_rate_low": low,
        "win_rate_high": high,
        "average_value": average_value,
        "cycle_days": cycle_days,
        "velocity_per_day": _per_day(len(moved.open), win_rate, average_value, cycle_days),
    }


def _mean(values: list[Any]) -> Fraction | None:
    return ratio(sum(map(Fraction, values)), len(values))


def _per_day(deals: int, win_rate: Fraction | None, value: Fraction | None, days: Fraction | None) -> Fraction | None:
    if win_rate is None or value is None or days is None or days <= 0:
        return None
    return deals * win_rate * value / days


# What a customer costs


def cac(world: World) -> list[Row]:
    """Return one row per period in which a campaign cost something or an account became a customer."""
    costs = [(cost["day"], cost["cost_reporting"]) for cost in world.books["cost_daily"]]
    since = _customers_since(world)
    days = [*(day for day, _ in costs), *since.values()]
    found = dict.fromkeys(period for day in sorted(days) for period in periods(day, world.config))
    trailing = ttm({f"{day:%Y-%m}" for day in days})
    rows = []
    for kind, period in (*found, *(("ttm", month) for month in trailing)):
        first, last = span(kind, period, world.config)
        spent = [cost for day, cost in costs if first <= day <= last]
        customers = {account_id for account_id, day in since.items() if first <= day <= last}
        if spent or customers:
            revenue = _revenue_of(world, customers, first, last)
            cost = sum(spent, ZERO) if spent else None
            rows.append({"period_kind": kind, "period": period, **_cac(world, cost, len(customers), revenue)})
    return rows


def _customers_since(world: World) -> dict[str, dt.date]:
    """Return the day on which the first won deal of each account that has one closes."""
    since: dict[str, dt.date] = {}
    for deal in sorted(world.books["deal"], key=lambda deal: (deal["closed_at"] is None, deal["closed_at"], deal["deal_id"])):
        if deal["status"] == "won":
            since.setdefault(deal["account_id"], deal["closed_on"])
    return since


def _revenue_of(world: World, accounts: set[str], first: dt.date, last: dt.date) -> Decimal:
    """Return the final entries, dated in a period, of all deals of some accounts."""
    own = {deal["deal_id"] for deal in world.books["deal"] if deal["account_id"] in accounts}
    booked = [entry for entry in final_entries(world) if entry["deal_id"] in own and first <= entry["booked_on"] <= last]
    return sum((entry["amount_reporting"] for entry in booked), ZERO)


def _cac(world: World, cost: Decimal | None, customers: int, revenue: Decimal) -> Row:
    margin_pct = world.config.reporting.gross_margin_pct
    per_customer = ratio(revenue, customers)
    reason = _why_no_payback(cost, customers, margin_pct, per_customer)
    cost_each = None if cost is None or cost < 0 else ratio(cost, customers)
    payback = None if reason is not None else cost_each / (per_customer / 12 * Fraction(margin_pct) / 100)  # type: ignore[operator,arg-type]
    return {
        "cost": cost,
        "new_customers": customers,
        "cac": cost_each,
        "revenue_per_customer": per_customer,
        "payback_months": payback,
        "reason": reason,
    }


def _why_no_payback(cost: Decimal | None, customers: int, margin_pct: Decimal | None, per_customer: Fraction | None) -> str | None:
    holds = {
        "no_cost": cost is None,
        "negative_cost": cost is not None and cost < 0,
        "no_new_customers": customers == 0,
        "no_margin": margin_pct is None or margin_pct <= 0,
        "no_revenue": per_customer is None or per_customer <= 0,
    }
    return next((reason for reason, is_so in holds.items() if is_so), None)


# Whose the revenue is


def marketing_shares(world: World) -> list[Row]:
    """Return marketing's share by every kind of segment, in months, quarters, years and trailing years."""
    rows = []
    for kind in DEAL_KINDS:
        for (period_kind, period, segment, model), row in _shares_by(world, kind).items():
            if segment != "all" or kind == DEAL_KINDS[0]:  # all of them together are the same by every kind
                place = {"segment_kind": "all" if segment == "all" else kind, "segment": segment.removeprefix("=")}
                rows.append({"period_kind": period_kind, "period": period, **place, "model": model, **row})
    return [*rows, *_trailing(world, rows)]


def _shares_by(world: World, kind: str) -> Mapping[tuple[str, ...], Row]:
    """Return the figures of semantics §9 as if a kind of segment were the segment; `=` keeps an owner called `all` apart from all."""
    deals = [{**deal, "segment": f"={named(deal[kind])}"} for deal in world.books["deal"]]
    return marketing_share({**world.books, "deal": deals}, world.config)


def _trailing(world: World, rows: Iterable[Row]) -> list[Row]:
    months = [row for row in rows if row["period_kind"] == "month"]
    measures = ["won_revenue", "won_deals", *MEASURES, *(f"{measure}_deals" for measure in MEASURES)]
    summed: dict[tuple[str, str, str, str], Row] = {}
    for label, of in ttm({row["period"] for row in months}).items():
        for row in months:
            if row["period"] in of:
                key = (label, row["segment_kind"], row["segment"], row["model"])
                total = summed.setdefault(key, dict.fromkeys(measures, 0))
                total |= {measure: total[measure] + row[measure] for measure in measures}
    names = ("period", "segment_kind", "segment", "model")
    return [{"period_kind": "ttm", **dict(zip(names, key, strict=True)), **row, **_percentages(world, row)} for key, row in summed.items()]


def _percentages(world: World, row: Row) -> dict[str, Fraction | None]:
    of_revenue = {f"{name}_pct": percent(row[name], row["won_revenue"]) for name in MEASURES}
    of_deals = {f"{name}_deals_pct": percent(row[f"{name}_deals"], row["won_deals"]) for name in MEASURES}
    attributed = of_revenue["attributed_pct"]
    return {
        **of_revenue,
        **of_deals,
        "gap_to_target": None if attributed is None else attributed - Fraction(world.config.marketing.target_pct),
    }


def deal_share(world: World) -> list[Row]:
    """Return one row per deal, model and period in which it has revenue or, won, closes: what marketing's share is made of."""
    attributed, of_deal = _attributed(world), by_deal(world.books)
    return [
        {
            "period_kind": kind,
            "period": period,
            "model": model.id,
            "deal_id": deal["deal_id"],
            "status": deal["status"],
            **{name: named(deal[name]) for name in (*DEAL_KINDS, "lead_source")},
            "won_revenue": revenue,
            "won_deals": int(closes),
            "attributed": attributed.get((kind, period, model.id, deal["deal_id"]), ZERO),
            "attributed_deals": weight_of_marketing(deal, model.id, of_deal[deal["deal_id"]]) if closes else Fraction(0),
            **{f"is_{name}": name in belongs for name in MEASURES if name != "attributed"},
        }
        for deal in world.books["deal"]
        for belongs in [memberships(deal, of_deal[deal["deal_id"]], world.config)]
        for (kind, period), (revenue, closes) in _periods_of(world, deal).items()
        for model in models(world.config)
    ]


def _periods_of(world: World, deal: Row) -> dict[tuple[str, str], tuple[Decimal, bool]]:
    """Return the revenue of a deal by period, and whether it closes there, won."""
    found: dict[tuple[str, str], tuple[Decimal, bool]] = {}
    for entry in final_entries(world):
        if entry["deal_id"] == deal["deal_id"]:
            for period in periods(entry["booked_on"], world.config):
                found[period] = (found.get(period, (ZERO, False))[0] + entry["amount_reporting"], False)
    if deal["status"] == "won":
        found |= {period: (found.get(period, (ZERO, False))[0], True) for period in periods(deal["closed_on"], world.config)}
    return found


def _attributed(world: World) -> dict[tuple[str, ...], Decimal]:
    """Return what is credited to touches of marketing, by period, model and deal."""
    found: dict[tuple[str, ...], Decimal] = {}
    for credit in credits(world.books):
        if credit["team"] == "marketing" and credit["is_final"] and credit["revenue_reporting"] is not None:
            for period in periods(credit["booked_on"], world.config):
                key = (*period, credit["model"], credit["deal_id"])
                found[key] = found.get(key, ZERO) + credit["revenue_reporting"]
    return found
