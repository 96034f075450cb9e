"""Incentive statements (figures: "Incentive statements"), slowly: every sum is taken anew from all rows that were ever locked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.agreements import Incentive
from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.money import half_even

__all__ = ["LockedRun", "Statement", "statements"]

Row = dict[str, Any]
Line = tuple[str, str, str, Decimal]
"""Period, kind, payee, amount."""


@dataclass(frozen=True)
class LockedRun:
    """A run in the order in which they were made: the period it locked, whether for the first time, and the rows it wrote."""

    run_id: str
    period: str
    kind: str
    start: dt.date
    end: dt.date
    is_first: bool
    rows: list[Row]


@dataclass
class Statement:
    """What a plan says of a period."""

    run: LockedRun
    base: Decimal
    share_pct: Fraction
    factor: Decimal
    earned: Decimal = Decimal(0)
    clawed_back: Decimal = Decimal(0)
    carried_in: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    carried_out: Decimal = Decimal(0)
    lines: list[Line] = field(default_factory=list)


def statements(runs: list[LockedRun], plan: Incentive, config: Config) -> list[Statement]:
    """Return all statements of a plan, in the order in which they were made; a run is told by the ones before it alone."""
    made: list[Statement] = []
    for number, run in enumerate(runs, start=1):
        if run.is_first and run.kind == plan.period:
            made.append(_statement(runs[:number], plan, made, config))
    return made


def _statement(runs: list[LockedRun], plan: Incentive, before: list[Statement], config: Config) -> Statement:
    run = runs[-1]
    share = _share(run, plan)
    reached = [tier for tier in plan.tiers if tier.from_pct <= share]
    new = Statement(run, Decimal(0), share, sorted(reached, key=lambda tier: tier.from_pct)[-1].factor if reached else Decimal(0))
    stated = [*before, new]
    for statement in stated:
        rows = [row for row in _paid_on(runs, plan) if _belongs_to(row, stated) == statement.run.period]
        kind = "earned" if statement is new else "clawed_back"
        worth = _worth(sum((row["revenue_reporting"] for row in rows), Decimal(0)), statement.factor, plan, config)
        now = _parts(worth, rows, plan, config)
        brought: dict[str, Decimal] = {}
        for earlier in before:
            for period, _, payee, amount in earlier.lines:
                if period == statement.run.period:
                    brought[payee] = brought.get(payee, Decimal(0)) + amount
        for payee in {*now, *brought}:
            amount = now.get(payee, Decimal(0)) - brought.get(payee, Decimal(0))
            if amount != 0:
                new.lines.append((statement.run.period, kind, payee, amount))
        if statement is new:
            new.base, new.earned = sum((row["revenue_reporting"] for row in rows), Decimal(0)), worth
        else:
            new.clawed_back += worth - sum(brought.values(), Decimal(0))
    new.carried_in = before[-1].carried_out if before else Decimal(0)
    payable = new.earned + new.clawed_back + new.carried_in
    new.paid, new.carried_out = max(payable, Decimal(0)), min(payable, Decimal(0))
    return new


def _share(run: LockedRun, plan: Incentive) -> Fraction:
    booked = [
        row for row in run.rows if row["period"] == run.period and row["model"] == plan.model and row["entry"] in ("booking", "rebooking")
    ]
    whole = sum((Fraction(row["revenue_reporting"]) for row in booked), Fraction(0))
    part = sum((Fraction(row["revenue_reporting"]) for row in booked if row["team"] == plan.team), Fraction(0))
    return max(Fraction(0), min(Fraction(100), 100 * part / whole)) if whole > 0 else Fraction(0)


def _paid_on(runs: list[LockedRun], plan: Incentive) -> list[Row]:
    return [row for run in runs for row in run.rows if row["model"] == plan.model and row["team"] == plan.team]


def _belongs_to(row: Row, stated: list[Statement]) -> str | None:
    """Return the stated period of the booking, else that of the row, where it is stated."""
    for statement in stated:
        if statement.run.start <= row["run_booked_on"] <= statement.run.end:
            return statement.run.period
    return row["period"] if row["period"] in {statement.run.period for statement in stated} else None


def _worth(credit: Decimal, factor: Decimal, plan: Incentive, config: Config) -> Decimal:
    exact = Fraction(plan.pool_pct) * Fraction(factor) * Fraction(credit) / 100
    if plan.cap is not None and exact > plan.cap:
        exact = Fraction(plan.cap)
    unit = Fraction(1, 10 ** minor_digits(config.reporting.currency))
    return max(Decimal(0), _in_units(half_even(exact / unit), config))


def _in_units(units: int, config: Config) -> Decimal:
    return Decimal(units).scaleb(-minor_digits(config.reporting.currency))


def _parts(worth: Decimal, rows: list[Row], plan: Incentive, config: Config) -> dict[str, Decimal]:
    weights: dict[str, Fraction] = {}
    if isinstance(plan.split_by, dict):
        weights = {name: Fraction(share) for name, share in plan.split_by.items()}
    else:
        for row in rows:
            name = row[plan.split_by] or "(unassigned)"
            weights[name] = weights.get(name, Fraction(0)) + Fraction(row["revenue_reporting"])
    whole = sum(weights.values(), Fraction(0))
    if whole == 0:
        return {}
    unit = Fraction(1, 10 ** minor_digits(config.reporting.currency))
    units = int(Fraction(worth) / unit)
    exact = {name: units * weight / whole for name, weight in weights.items()}
    floors = {name: part.numerator // part.denominator for name, part in exact.items()}
    while sum(floors.values()) < units:
        # whoever already got a unit has no remainder left
        name = min(exact, key=lambda name: (floors[name] - exact[name], name))
        floors[name] += 1
    return {name: _in_units(part, config) for name, part in floors.items()}
