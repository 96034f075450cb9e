"""Cost spreading (semantics §9)."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.entries import Held
from tests.oracle.money import Rates, half_even, in_units, minor, split
from tests.oracle.settled import Event, Settled

__all__ = ["cost_daily", "spread"]

COUNTS = ("impressions", "clicks", "leads")


def spread(total: int, days: int) -> list[int]:
    """Spread a total evenly over days, exactly; a negative one as the negative of its absolute value.

    >>> spread(-10, 3)
    [-4, -3, -3]
    """
    shares = split(abs(total), [Fraction(1, days)] * days)
    return shares if total >= 0 else [-share for share in shares]


def _days(spend: Event) -> list[dt.date]:
    first = spend.get("starts_on")
    last = spend.get("ends_on") or first
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _daily(spend: Event, rate: Rates, config: Config) -> list[int] | None:
    """Return a spend's cost per day in minor units of the reporting currency; None when a day has no rate."""
    currency, days = spend.get("currency"), _days(spend)
    scale = Fraction(10 ** minor_digits(config.reporting.currency), 10 ** minor_digits(currency))
    shares = spread(minor(spend.get("amount"), currency), len(days))
    of_days = [rate(currency, day) for day in days]
    if any(of_day is None for of_day in of_days):
        return None
    return [half_even(share * of_day * scale) for share, of_day in zip(shares, of_days, strict=True) if of_day is not None]


def _key(spend: Event) -> tuple[Any, ...]:
    starts_on = spend.get("starts_on")
    return (spend.source, spend.get("campaign_id"), starts_on, spend.get("ends_on") or starts_on)


def cost_daily(settled: Settled, rate: Rates, config: Config) -> tuple[list[dict[str, Any]], list[Held]]:
    """Return one row per campaign and day, and the held spends."""
    rows: dict[tuple[str, dt.date], dict[str, Any]] = {}
    held = []
    campaigns = settled.register("campaign", lambda event: event.get("campaign_id"))
    for key, spend in settled.register("spend", _key).items():
        campaign_id = spend.get("campaign_id")
        costs = _daily(spend, rate, config)
        if costs is None:
            amount = minor(spend.get("amount"), spend.get("currency"))
            id_ = "|".join(str(part) for part in key)
            held.append(Held("spend", id_, "fx_missing", spend.get("currency"), amount, campaign_id=campaign_id))
            continue
        channel = campaigns[campaign_id].get("channel") if campaign_id in campaigns else None
        for i, day in enumerate(_days(spend)):
            row = rows.setdefault((campaign_id, day), {"campaign_id": campaign_id, "channel": channel, "day": day, "cost": 0})
            row["cost"] += costs[i]
            _add_counts(row, spend, i, len(costs))
    for row in rows.values():
        row["cost_reporting"] = in_units(row.pop("cost"), config.reporting.currency)
    return list(rows.values()), held


def _add_counts(row: dict[str, Any], spend: Event, i: int, days: int) -> None:
    """Spread impressions, clicks and leads like money; null where no spend of the day tells them."""
    for name in COUNTS:
        row.setdefault(name, None)
        if spend.get(name) is not None:
            row[name] = (row[name] or 0) + spread(spend.get(name), days)[i]
