"""Cost per campaign and day: ranges spread evenly, each day converted at its own rate (semantics: "Figures", Cost)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.apportionment import split_evenly
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import Bools, Ints, Vocabulary, days, decimals, encode, integers, runs, text, thousandths
from nisba.attribution.facts import MONEY, Facts
from nisba.attribution.fx import Rates, convert
from nisba.attribution.held import held_rows
from nisba.attribution.registers import REGISTERS, winners
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = ["cost_daily"]

_COUNTS = ("impressions", "clicks", "leads")


def cost_daily(facts: Facts, config: Config) -> tuple[Any, Any]:
    """Return `cost_daily`, one row per campaign and day, and the held spends (`held`, kind `spend`).

    Spends are a register by (source, campaign_id, starts_on, ends_on). One day without a rate holds the whole spend.
    """
    spend = winners("spend", facts.spend)
    first, last = (days(spend[name]) for name in ("starts_on", "ends_on"))
    lengths = last - first + 1
    row = np.repeat(np.arange(len(spend)), lengths)
    day = runs(first, lengths)
    target = config.reporting.currency
    cost, known = _converted(spend, row, day, lengths, Rates(facts.fx, config), target)
    held = np.zeros(len(spend), dtype=bool)
    held[row[~known]] = True
    keep = ~held[row]
    measures = {"cost": (cost[keep], known[keep])}
    for name in _COUNTS:
        count, has = integers(spend[name])
        measures[name] = split_evenly(count, lengths)[keep], has[row][keep]
    return _summed(spend, row[keep], day[keep], measures, facts.campaign, target), _held(spend, np.flatnonzero(held))


def _converted(spend: Any, row: Ints, day: Ints, lengths: Ints, rates: Rates, target: str) -> tuple[Ints, Bools]:
    """Return each day's cost in minor units of the reporting currency, and where a rate is known."""
    codes, currencies = encode(spend["currency"])
    names = [str(name) for name in currencies.to_pylist()]
    milli = np.array([milli_per_minor(name) for name in names] or [1], dtype=np.int64)
    own = split_evenly(thousandths(spend["amount"])[0] // milli[codes], lengths)
    cost, known = own.copy(), np.ones(len(own), dtype=bool)
    foreign = np.array([name != target for name in names] or [False])[codes[row]]
    for place in np.flatnonzero(foreign).tolist():
        rate = rates.minor_rate(names[codes[row[place]]], int(day[place]))
        known[place] = rate is not None
        cost[place] = 0 if rate is None else convert(int(own[place]), rate)
    return cost, known


def _summed(spend: Any, row: Ints, day: Ints, measures: dict[str, tuple[Ints, Bools]], campaign: Any, target: str) -> Any:
    """Add up by campaign and day; a count is null where no spend of the day has one."""
    vocabulary = Vocabulary.of(spend["campaign_id"])
    code = vocabulary.codes(spend["campaign_id"])[row]
    order = np.lexsort((day, code))
    code, day = code[order], day[order]
    first = np.flatnonzero(np.append(True, (code[1:] != code[:-1]) | (day[1:] != day[:-1]))) if len(code) else code
    sums = {name: _sums(values[order], has[order], first) for name, (values, has) in measures.items()}
    ids = vocabulary.values.take(pa.array(code[first]))
    cost, _ = sums["cost"]
    columns = [
        ids,
        _channels(campaign, ids),
        pa.array(day[first].astype(np.int32)).view(pa.date32()),
        decimals(cost * milli_per_minor(target), MONEY),
        *(pa.array(sums[name][0], mask=~sums[name][1]) for name in _COUNTS),
    ]
    return pa.table(columns, names=BOOK_SCHEMAS["cost_daily"].names)


def _sums(values: Ints, has: Bools, first: Ints) -> tuple[Ints, Bools]:
    if not len(first):
        return values[:0], has[:0]
    return np.add.reduceat(values, first), np.logical_or.reduceat(has, first)


def _channels(campaign: Any, ids: Any) -> Any:
    """Return the channel of each campaign as its latest event says; null where no event names it."""
    latest = winners("campaign", campaign)
    place = pc.index_in(ids, value_set=text(latest["campaign_id"]))
    return text(latest["channel"]).take(place)


def _held(spend: Any, rows: Ints) -> Any:
    """Return one held row per spend with a day without a rate."""
    held = spend.take(pa.array(rows))
    ids = pc.binary_join_element_wise(*(text(held[name]) for name in REGISTERS["spend"].keys), "|")
    columns = {name: held[name] for name in ("campaign_id", "currency", "amount")}
    return held_rows("spend", ids, ["fx_missing"] * len(rows), **columns)
