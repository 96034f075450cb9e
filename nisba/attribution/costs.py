"""Cost per campaign and day: spread in millionths, each day converted at its own rate (semantics: "Figures", Cost).

The days of a campaign are rounded together: a day costs what it adds to the rounded cost of all days so far, so that days, months and
years add up and no fraction of a cent is lost or invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.apportionment import split_evenly
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.campaigns import counts_for
from nisba.attribution.columns import Bools, Ints, Vocabulary, days, decimals, encode, integers, millionths, runs, text
from nisba.attribution.facts import MONEY, Facts
from nisba.attribution.fx import Rates
from nisba.attribution.held import held_rows
from nisba.attribution.millionths import converted, minor_units, reaches_limit
from nisba.attribution.registers import register_ids, winners
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = ["cost_daily"]

_COUNTS = ("impressions", "clicks", "leads")
_BOOKED, _MISSING, _TOO_LARGE = range(3)
_REASONS = ("", "fx_missing", "out_of_range")


@dataclass(frozen=True)
class _Parts:
    """What spends cost on each of their days, in the reporting currency: one element a spend and day."""

    spend: Ints
    """Its row."""
    campaign: Ints
    """The code of the campaign that it counts for."""
    day: Ints
    sign: Ints
    units: Ints
    """The absolute cost in whole units, and the millionths beside them."""
    millionths: Ints
    is_known: Bools
    """Whether there is a rate."""

    def take(self, places: Ints) -> _Parts:
        return _Parts(*(column[places] for column in vars(self).values()))


def cost_daily(facts: Facts, config: Config) -> tuple[Any, Any]:
    """Return `cost_daily`, one row per campaign and day, and the held spends (`held`, kind `spend`).

    A spend counts for the campaign that its own is another name of. One day without a rate holds the whole spend; where the absolute
    parts of a campaign add up to MAX_AMOUNT or more, all its spends are held.
    """
    spend = winners("spend", facts.spend)
    names = counts_for(spend["campaign_id"], facts.campaign)
    campaigns = Vocabulary.of(names)
    parts = _parts(spend, campaigns.codes(names), Rates(facts.fx, config))
    state = _states(parts, campaigns.codes(names), len(campaigns))
    order = np.lexsort((parts.day, parts.campaign))
    order = order[state[parts.spend[order]] == _BOOKED]
    booked = parts.take(order)
    first = _firsts(booked.campaign, booked.day)
    ids = campaigns.values.take(pa.array(booked.campaign[first]))
    columns = [
        ids,
        _channels(facts.campaign, ids),
        pa.array(booked.day[first].astype(np.int32)).view(pa.date32()),
        _costs(booked, first, config.reporting.currency),
        *(_counts(spend[name], parts, order, first) for name in _COUNTS),
    ]
    return pa.table(columns, names=BOOK_SCHEMAS["cost_daily"].names), _held(spend, state)


def _parts(spend: Any, campaign: Ints, rates: Rates) -> _Parts:
    """Spread the amounts over their days and convert each day."""
    first, last = (days(spend[name]) for name in ("starts_on", "ends_on"))
    lengths = last - first + 1
    row, day = np.repeat(np.arange(len(spend)), lengths), runs(first, lengths)
    amount = millionths(spend["amount"])[0]
    own = split_evenly(np.abs(amount), lengths)
    found, code = _rates(spend["currency"], row, day, rates)
    is_known = np.array([rate is not None for rate in found], dtype=bool)[code]
    units, rest = converted(own, [rate or Fraction(0) for rate in found], code)
    return _Parts(row, campaign[row], day, np.sign(amount)[row], units, rest, is_known)


def _rates(currency: Any, row: Ints, day: Ints, rates: Rates) -> tuple[list[Fraction | None], Ints]:
    """Return the rates of the currencies and days that occur, and which of them is that of each part; None where there is none."""
    codes, names = encode(currency)
    pair = codes[row] * (day.max(initial=0) + 1) + day
    distinct, code = np.unique(pair, return_inverse=True)
    currencies, dates = np.divmod(distinct, day.max(initial=0) + 1)
    named = names.to_pylist()
    return [rates.rate(named[name], date) for name, date in zip(currencies.tolist(), dates.tolist(), strict=True)], code


def _states(parts: _Parts, campaign: Ints, campaigns: int) -> Ints:
    """Return for each spend, given its campaign's code, whether it is booked or why it is held."""
    is_missing = np.zeros(len(campaign), dtype=bool)
    is_missing[parts.spend[~parts.is_known]] = True
    known = parts.take(np.flatnonzero(~is_missing[parts.spend]))
    is_large = reaches_limit(known.units, known.millionths, known.campaign, campaigns)
    return np.where(is_missing, _MISSING, np.where(is_large[campaign], _TOO_LARGE, _BOOKED))


def _firsts(campaign: Ints, day: Ints) -> Ints:
    """Return the first place of each campaign's day; parts are in this order."""
    is_first = np.ones(len(day), dtype=bool)
    is_first[1:] = (campaign[1:] != campaign[:-1]) | (day[1:] != day[:-1])
    return np.flatnonzero(is_first)


def _costs(booked: _Parts, first: Ints, currency: str) -> Any:
    """Return the cost of each campaign's day: what the rounded sum of its days so far grows by."""
    if not len(first):
        return pa.array([], MONEY)
    begins = np.flatnonzero(np.diff(booked.campaign[first], prepend=-1))
    units, rest = (_so_far(np.add.reduceat(booked.sign * column, first), begins) for column in (booked.units, booked.millionths))
    minor = minor_units(units, rest, currency)
    cost = np.diff(minor, prepend=0)
    cost[begins] = minor[begins]
    return decimals(cost * milli_per_minor(currency), MONEY)


def _so_far(values: Ints, begins: Ints) -> Ints:
    """Return running sums that begin anew at some places. Sums over all groups may wrap; their differences within one do not."""
    sums = np.cumsum(values)
    before = np.append(0, sums)[begins]
    return np.asarray(sums - np.repeat(before, np.diff(begins, append=len(values))), dtype=np.int64)


def _counts(column: Any, parts: _Parts, order: Ints, first: Ints) -> Any:
    """Spread a count over the days of its spend and add it up; null where no spend of the day has one."""
    count, has = integers(column)
    spread = split_evenly(count, np.bincount(parts.spend, minlength=len(count)))[order]
    if not len(first):
        return pa.array([], pa.int64())
    is_counted = np.logical_or.reduceat(has[parts.spend[order]], first)
    return pa.array(np.add.reduceat(spread, first), mask=~is_counted)


def _channels(campaign: Any, ids: Any) -> Any:
    """Return the channel of each campaign as its winning event says; null where no event names it."""
    latest = winners("campaign", campaign)
    place = pc.index_in(ids, value_set=text(latest["campaign_id"]))
    return text(latest["channel"]).take(place)


def _held(spend: Any, state: Ints) -> Any:
    """Return one held row for each spend that is not booked, with its own amount."""
    rows = np.flatnonzero(state != _BOOKED)
    held = spend.take(pa.array(rows))
    columns = {name: held[name] for name in ("campaign_id", "currency", "amount")}
    return held_rows("spend", register_ids("spend", held), [_REASONS[place] for place in state[rows].tolist()], **columns)
