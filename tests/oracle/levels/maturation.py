"""How ripe a return is: the chain ladder over months of touches and months of bookings (`marts.maturation`, `matured_pct`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.figures import credits
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import default_model, months_between
from tests.oracle.levels.world import World, ends_at, span

__all__ = ["Ripeness", "maturation", "ripeness"]

AGES = 24
"""From so many months on, a month of touches is ripe."""
COHORTS = 36


def _number(day: Any) -> int:
    """Return the number of a day's month; numbers of months that follow each other follow each other."""
    return int(day.year) * 12 + int(day.month) - 1


@dataclass(frozen=True)
class Ripeness:
    """What part of its revenue a month of touches has brought in by each age."""

    last_month: int
    """The last complete month at `as_of`, as a number."""
    booked: dict[int, tuple[Decimal, Decimal]]
    """By age from 1 on: what the cohorts had brought in a month before, and then."""
    growth: dict[int, Fraction]

    def share(self, age: int) -> Fraction:
        """Return F(age): all that is still to come, taken off; a month that is not over has brought in nothing to speak of."""
        if age < 0:
            return Fraction(0)
        share = Fraction(1)
        for later in range(age + 1, AGES + 1):
            share /= self.growth[later]
        return share

    def matured_pct(self, world: World, kind: str, period: str, costs: Mapping[int, Decimal]) -> Fraction:
        """Return how ripe the months of a period are, in percent: the mean by their costs, or the plain one where there are none."""
        months = [_number(month) for month in months_between(*span(kind, period, world.config))]
        weights = [max(Fraction(0), Fraction(costs.get(month, Decimal(0)))) for month in months]  # money back weighs nothing
        if not any(weights):
            weights = [Fraction(1)] * len(months)
        shares = [self.share(self.last_month - month) for month in months]
        ripe = sum((weight * share for weight, share in zip(weights, shares, strict=True)), Fraction(0))
        return 100 * ripe / sum(weights)


def ripeness(world: World) -> Ripeness | None:
    """Return how revenue grows with the age of its touches; None without an `as_of`."""
    if world.as_of is None:
        return None
    today = world.day(world.as_of)
    is_over = ends_at("month", f"{today:%Y-%m}", world.config) <= world.as_of
    last_month = _number(today) if is_over else _number(today) - 1
    booked = {age: _booked(world, last_month, age) for age in range(1, AGES + 1)}
    growth = {age: Fraction(now) / Fraction(before) if before > 0 and now > 0 else Fraction(1) for age, (before, now) in booked.items()}
    return Ripeness(last_month, booked, growth)


def _booked(world: World, last_month: int, age: int) -> tuple[Decimal, Decimal]:
    """Return what the latest cohorts that are of an age had brought in a month before, and then."""
    model, before, now = default_model(world.config), Decimal(0), Decimal(0)
    for credit in credits(world.books):
        if credit["model"] != model or not credit["is_final"] or credit["touched_on"] is None:
            continue
        made, booked, amount = _number(credit["touched_on"]), _number(credit["booked_on"]), credit["revenue_reporting"] or Decimal(0)
        if last_month - age - COHORTS < made <= last_month - age:
            before += amount if booked < made + age else 0
            now += amount if booked <= made + age else 0
    return before, now


def maturation(world: World) -> list[Row]:
    """Return one row per age in months."""
    ripe = ripeness(world)
    if ripe is None:
        return []
    rows = []
    for age in range(AGES + 1):
        before, now = ripe.booked.get(age, (None, None))
        rows.append(
            {
                "age": age,
                "booked_before": before,
                "booked": now,
                "growth": ripe.growth.get(age),
                "matured_pct": 100 * ripe.share(age),
            }
        )
    return rows
