"""Costs (semantics §9): spends by day in millionths, names of one campaign, and cents that add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.entries import Held
from tests.oracle.money import LARGEST, Rates, half_even, in_units, split
from tests.oracle.settled import Event, Settled

__all__ = ["cost_daily", "named_campaigns", "spread"]

COUNTS = ("impressions", "clicks", "leads")
MILLION = 10**6


@dataclass(frozen=True)
class Spend:
    """A spend that counts: the id it is held under, its event, its days and its parts in millionths of the reporting currency."""

    id: str
    event: Event
    days: list[dt.date]
    parts: list[int]


def spread(total: int, days: int) -> list[int]:
    """Spread a total evenly over days, exactly; a negative one as the negative of its absolute value.

    >>> spread(-10, 3)
    [-4, -3, -3]
    """
    shares = split(abs(total), [Fraction(1, days)] * days)
    return shares if total >= 0 else [-share for share in shares]


def named_campaigns(settled: Settled) -> dict[str, str]:
    """Return the campaign that every other name stands for: chains are followed, a cycle stands for its smallest id."""
    campaigns = settled.register("campaign", lambda event: event.get("campaign_id"))
    names = {id_: event.get("same_as") for id_, event in campaigns.items() if event.get("same_as") is not None}
    return {id_: _end(id_, names) for id_ in names}


def _end(id_: str, names: dict[str, str]) -> str:
    """Follow a chain of names.

    >>> _end("x", {"x": "y", "y": "z"}), _end("x", {"x": "q", "q": "p", "p": "q"}), _end("x", {"x": "x"})
    ('z', 'p', 'x')
    """
    passed = [id_]
    while passed[-1] in names:
        following = names[passed[-1]]
        if following in passed:
            return min(passed[passed.index(following) :])
        passed.append(following)
    return passed[-1]


def _days(spend: Event) -> list[dt.date]:
    first = spend.get("starts_on")
    last = spend.get("ends_on") or first
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _parts(spend: Event, rate: Rates, config: Config) -> list[int] | None:
    """Return a spend's cost per day in millionths of the reporting currency; None when a day has no rate."""
    days, currency = _days(spend), spend.get("currency")
    millionths = Fraction(spend.get("amount")) * MILLION
    assert millionths.denominator == 1
    shares = spread(int(millionths), len(days))
    of_days = [rate(currency, config.reporting.currency, day) for day in days]
    known = [of_day for of_day in of_days if of_day is not None]
    return [half_even(share * of_day) for share, of_day in zip(shares, known, strict=True)] if len(known) == len(days) else None


def _key(spend: Event) -> tuple[str, ...]:
    if spend.get("spend_id") is not None:
        return (spend.source, spend.get("spend_id"))
    starts_on = spend.get("starts_on")
    return (spend.source, spend.get("campaign_id"), f"{starts_on}", f"{spend.get('ends_on') or starts_on}")


def _held(id_: str, spend: Event, reason: str) -> Held:
    return Held("spend", id_, reason, spend.get("currency"), spend.get("amount"), campaign_id=spend.get("campaign_id"))


def cost_daily(settled: Settled, rate: Rates, config: Config) -> tuple[list[dict[str, Any]], list[Held]]:
    """Return one row per campaign and day, and the held spends."""
    held: list[Held] = []
    names = named_campaigns(settled)
    by_campaign: dict[str, list[Spend]] = {}
    for key, event in settled.register("spend", _key).items():
        parts = _parts(event, rate, config)
        if parts is None:
            held.append(_held("|".join(key), event, "fx_missing"))
            continue
        campaign_id = event.get("campaign_id")
        spend = Spend("|".join(key), event, _days(event), parts)
        by_campaign.setdefault(names.get(campaign_id, campaign_id), []).append(spend)
    rows = []
    campaigns = settled.register("campaign", lambda event: event.get("campaign_id"))
    for campaign_id, spends in by_campaign.items():
        if sum(abs(part) for spend in spends for part in spend.parts) >= LARGEST * MILLION:
            held += [_held(spend.id, spend.event, "out_of_range") for spend in spends]
            continue
        channel = campaigns[campaign_id].get("channel") if campaign_id in campaigns else None
        rows += [{"campaign_id": campaign_id, "channel": channel, **of_day} for of_day in _of_days(spends, config)]
    return rows, held


def _of_days(spends: list[Spend], config: Config) -> Iterable[dict[str, Any]]:
    """Return a campaign's cost and counts of each day: what rounding the total of all days until then adds."""
    total = 0
    for day in sorted({day for spend in spends for day in spend.days}):
        of_day = [(spend, spend.days.index(day)) for spend in spends if day in spend.days]
        before, total = total, total + sum(spend.parts[i] for spend, i in of_day)
        cost = in_units(_rounded(total, config) - _rounded(before, config), config.reporting.currency)
        yield {"day": day, "cost_reporting": cost, **{name: _count(name, of_day) for name in COUNTS}}


def _rounded(millionths: int, config: Config) -> int:
    """Return a total in minor units of the reporting currency."""
    return half_even(Fraction(millionths, MILLION) * 10 ** minor_digits(config.reporting.currency))


def _count(name: str, of_day: list[tuple[Spend, int]]) -> int | None:
    """Spread impressions, clicks and leads like money; null where no spend of the day tells them."""
    told = [spread(spend.event.get(name), len(spend.days))[i] for spend, i in of_day if spend.event.get(name) is not None]
    return sum(told) if told else None
