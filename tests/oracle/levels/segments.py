"""What deals are told apart by, what was won in each segment, and the periods between two days (figures, *Segments*)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from nisba.config import Config
from tests.oracle.figures import periods
from tests.oracle.levels.leads import Row
from tests.oracle.levels.world import MICROSECOND, NONE, World
from tests.oracle.models import models
from tests.oracle.settled import EPOCH

__all__ = [
    "DEAL_KINDS",
    "Key",
    "default_model",
    "final_entries",
    "micros",
    "months_between",
    "named",
    "periods_between",
    "segments_of_deal",
    "won_revenue",
]

DEAL_KINDS = ("segment", "region", "deal_type", "product", "owner")

Key = tuple[str, ...]


def named(value: Any) -> Any:
    """Return a segment as a table of segments names it."""
    return NONE if value is None else value


def segments_of_deal(deal: Row, kinds: Sequence[str] = DEAL_KINDS) -> list[tuple[str, str]]:
    """Return the segments that a deal is counted in, by kind.

    >>> segments_of_deal({"segment": "smb", "owner": None}, ("segment", "owner"))
    [('all', 'all'), ('segment', 'smb'), ('owner', '(none)')]
    """
    return [("all", "all"), *((kind, named(deal[kind])) for kind in kinds)]


def micros(instant: dt.datetime) -> int:
    """Return an instant in microseconds since 1970."""
    return (instant - EPOCH) // MICROSECOND


def months_between(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the first day of every month that has a day between two, both included.

    >>> [f"{day}" for day in months_between(dt.date(2025, 11, 30), dt.date(2026, 1, 1))]
    ['2025-11-01', '2025-12-01', '2026-01-01']
    """
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield dt.date(number // 12, number % 12 + 1, 1)


def periods_between(first: dt.date, last: dt.date, config: Config) -> list[tuple[str, str]]:
    """Return the months, quarters and years that have a day between two."""
    return list(dict.fromkeys(period for month in months_between(first, last) for period in periods(month, config)))


def won_revenue(world: World, kinds: Sequence[str] = DEAL_KINDS) -> dict[Key, Decimal]:
    """Return the final entries dated in each (period kind, period, segment kind, segment), in the reporting currency."""
    deals = {deal["deal_id"]: deal for deal in world.books["deal"]}
    revenue: dict[Key, Decimal] = {}
    for entry in final_entries(world):
        for period in periods(entry["booked_on"], world.config):
            for segment in segments_of_deal(deals[entry["deal_id"]], kinds):
                key = (*period, *segment)
                revenue[key] = revenue.get(key, Decimal(0)) + entry["amount_reporting"]
    return revenue


def final_entries(world: World) -> Iterable[Row]:
    """Return the entries that are revenue: final, and of known worth."""
    return [entry for entry in world.books["entry"] if entry["is_final"] and entry["amount_reporting"] is not None]


def default_model(config: Config) -> str:
    """Return the model of the figures that show one: the named one, else W where it is computed, else the first."""
    computed = [model.id for model in models(config)]
    if config.attribution.default_model:
        return config.attribution.default_model
    return "w_30_30_30_10" if "w_30_30_30_10" in computed else computed[0]
