"""Weigh the touches of every journey by a model and split every entry by the weights (semantics: "Models", "Money").

Weights are integers over their sum, one model and all deals of a shard at a time. Where these integers or the totals outgrow 64
bits, the deal is *wide*: the same rule then runs on Python's integers, for that deal alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nisba.attribution.apportionment import SAFE_TOTAL, SAFE_WEIGHT, muldiv, split, split_rows
from nisba.attribution.books import BOOK_SCHEMAS, WEIGHT
from nisba.attribution.columns import Bools, Ints, decimals, dictionary, runs
from nisba.attribution.dates import DAY_US
from nisba.attribution.entries import Entries, Totals
from nisba.attribution.facts import MONEY
from nisba.attribution.fx import half_even
from nisba.attribution.journeys import Journeys
from nisba.attribution.models import Model
from nisba.money import milli_per_minor

__all__ = ["Columns", "Ledgers", "Rows", "credit_lines", "decay", "split_entries"]

Numbers = npt.NDArray[Any]
"""int64, or Python's integers (dtype object)."""

_ONE = 10**12
"""A weight of 1, as tables show it; also the decay of a touch that coincides with the journey's last."""
_UNDECIDED = 0.02
"""Two libraries' powers of two may differ by some units in the last place, after `× 1e12` by less than a hundredth."""


@dataclass(frozen=True)
class Rows:
    """What a model weighs: the touches of every journey that has entries; of an empty one, a row for nobody (ordinal 0)."""

    journeys: Journeys
    deals: Ints
    """The deals that have entries, ascending."""

    @cached_property
    def lengths(self) -> Ints:
        """Number of rows of each deal: one or more."""
        return np.maximum(self.journeys.lengths[self.deals], 1)

    @cached_property
    def starts(self) -> Ints:
        """First row of each deal."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def place(self) -> Ints:
        """Place of each row in its journey."""
        return runs(self.lengths * 0, self.lengths)

    @cached_property
    def owner(self) -> Ints:
        """The deal of each row, as its place in `deals`."""
        return np.repeat(np.arange(len(self.deals)), self.lengths)

    @cached_property
    def ordinal(self) -> Ints:
        """1, 2, … in each journey; 0 for nobody."""
        return self.place + (self.journeys.lengths[self.deals] > 0)[self.owner]

    @cached_property
    def step(self) -> Ints:
        """The touch of each row, as its place among those of all journeys; -1 for nobody."""
        step = np.full(len(self.place), -1, dtype=np.int64)
        journeys = self.journeys
        step[self.ordinal > 0] = runs(journeys.starts[self.deals], journeys.lengths[self.deals])
        return step

    @cached_property
    def touch(self) -> Ints:
        """Row of each touch in the shard's touches; -1 for nobody."""
        return np.append(self.journeys.touch, -1)[self.step]

    @cached_property
    def age_us(self) -> Ints:
        """Time of each journey's last touch − time of the touch."""
        at_us = np.append(self.journeys.shard.touched_at_us, 0)[self.touch]
        age: Ints = np.repeat(at_us[self.starts + self.lengths - 1], self.lengths) - at_us
        return age

    def milestones(self, model: Model) -> Ints:
        """Return the places of FT, LC, OC and CW for a model, shape (deals, 4); -1 where dropped. Nobody is its own first touch."""
        places = self.journeys.milestones[self.deals]
        places[:, 0] = 0
        if model.passed_over:
            places[:, 3] = self.journeys.last_outside(model.passed_over)[self.deals]
        return places


@dataclass(frozen=True)
class Ledgers:
    """The entries to split, by deal and number, with their running totals in both currencies."""

    entries: Entries
    cum: Numbers
    totals: Totals

    @cached_property
    def converted(self) -> Ints:
        """The entries whose running totals differ between the two currencies."""
        return np.flatnonzero(self.cum != self.totals.after)

    def too_large(self, deals: int) -> Bools:
        """Tell which deals have a running total that `muldiv` cannot take."""
        large = np.zeros(deals, dtype=bool)
        large[self.entries.deal[np.maximum(self.cum, self.totals.after) >= SAFE_TOTAL]] = True
        return large


def weights(rows: Rows, model: Model, dtype: Any = np.int64) -> Numbers:
    """Return the weight of every row, an integer; what counts is its part of the sum over the journey."""
    held = _milestone_shares(rows, model, dtype)
    result = held if model.rest == 0 else _with_rest(rows, model, held)
    if model.factors:
        result = result * _factors(rows, model, dtype)
    return result


def _milestone_shares(rows: Rows, model: Model, dtype: Any) -> Numbers:
    """Give each milestone's share to its touch; if all are dropped and there is no rest, everything to the first."""
    places = rows.milestones(model)
    shares = np.where(places >= 0, np.array(model.milestones, dtype=dtype), np.array(0, dtype=dtype))
    if model.rest == 0:
        shares[~(shares > 0).any(axis=1), 0] = 1
    held = np.zeros(len(rows.place), dtype=dtype)
    for milestone in range(4):
        has = np.flatnonzero(shares[:, milestone] > 0)
        held[(rows.starts + places[:, milestone])[has]] += shares[has, milestone]
    return held


def _with_rest(rows: Rows, model: Model, held: Numbers) -> Numbers:
    """Share the rest among the rows without a milestone that counts; where they draw nothing, milestones have everything."""
    others = held == 0
    draw: Numbers = others.astype(held.dtype)
    if model.half_life_days is not None:
        draw[others] = decay(rows.age_us[others], model.half_life_days)
    if not any(model.milestones):
        return draw
    drawn = np.add.reduceat(draw, rows.starts) if len(rows.starts) else draw
    whole = np.where(drawn == 0, 1, drawn)
    result: Numbers = held * np.repeat(whole, rows.lengths) + draw * model.rest
    return result


def decay(age_us: Ints, half_life_days: float) -> Ints:
    """Return `round(1e12 * 2.0 ** (-days / half_life))`, float64, half to even, of ages in microseconds.

    numpy's power is quick, but not the same on every machine: where its last digits could decide, Python's own does.
    """
    exponent = -(age_us / DAY_US) / half_life_days
    guess = 1e12 * np.power(2.0, exponent)
    rounded = np.rint(guess).astype(np.int64)
    near = np.flatnonzero(np.abs(guess - np.floor(guess) - 0.5) < _UNDECIDED)
    rounded[near] = [round(1e12 * 2.0**power) for power in exponent[near].tolist()]
    return rounded


def _factors(rows: Rows, model: Model, dtype: Any) -> Numbers:
    """Return the product of each row's matching factors, as integers over one denominator."""
    shard = rows.journeys.shard
    (channels, channel_names), (kinds, kind_names) = shard.touch_codes("channel"), shard.touch_codes("kind")
    table = np.ones((len(channel_names) + 1, len(kind_names) + 1), dtype=object) * _denominator(model)
    for place, channel in enumerate(channel_names):
        for other, kind in enumerate(kind_names):
            for factor in model.factors:
                if factor.matches(channel, kind):
                    table[place, other] = table[place, other] * factor.factor
    whole = np.vectorize(int, otypes=[object])(table).astype(dtype)
    return np.asarray(whole[np.append(channels, -1)[rows.touch], np.append(kinds, -1)[rows.touch]])


def _denominator(model: Model) -> int:
    """Return what makes every product of a model's factors whole."""
    result = 1
    for factor in model.factors:
        result *= factor.factor.denominator
    return result


def _wide(rows: Rows, model: Model, too_large: Bools) -> Bools:
    """Tell which deals need Python's integers: for their length under this model's shares and factors, or for their totals."""
    largest = (sum(model.milestones) + model.rest) * (_ONE if model.half_life_days else 1) * _denominator(model)
    for factor in model.factors:
        largest = -(-largest * max(factor.factor.numerator, factor.factor.denominator) // factor.factor.denominator)
    return (rows.lengths > (SAFE_WEIGHT - 1) // largest) | too_large[rows.deals]


@dataclass(frozen=True)
class Columns:
    """Credits, one per row of positive weight and entry; money in minor units."""

    row: Ints
    """The row of `Rows`."""
    entry: Ints
    weight: Ints
    """Out of 10^12."""
    revenue: Ints
    revenue_reporting: Ints


def credit_lines(rows: Rows, model: Model, ledgers: Ledgers, reporting: str) -> list[Any]:
    """Return the rows of `credit_line` of one model, as one or two tables."""
    return [_table(part, model, ledgers, reporting, columns) for part, columns in split_entries(rows, model, ledgers)]


AnyRows = TypeVar("AnyRows", bound=Rows)


def split_entries(rows: AnyRows, model: Model, ledgers: Ledgers) -> list[tuple[AnyRows, Columns]]:
    """Split the entries by a model: all that are not wide at once, the wide ones one by one. Returns one or two parts, with their rows."""
    wide = _wide(rows, model, ledgers.too_large(rows.journeys.shard.deals))
    ways = ((~wide, _split_columns), (wide, _split_one_by_one))
    parts = [
        (type(rows)(rows.journeys, rows.deals[chosen]) if wide.any() else rows, split_all) for chosen, split_all in ways if chosen.any()
    ]
    return [(part, split_all(part, model, ledgers)) for part, split_all in parts]


def _split_columns(rows: Rows, model: Model, ledgers: Ledgers) -> Columns:
    """Split the entries of all deals at once."""
    weight = weights(rows, model)
    kept = np.flatnonzero(weight)
    weight, owner = weight[kept], rows.owner[kept]
    lengths = np.bincount(owner, minlength=len(rows.deals))
    starts = np.cumsum(lengths) - lengths
    sums = np.add.reduceat(weight, starts) if len(starts) else weight

    entry = _entries_of(rows, ledgers)
    deal = np.searchsorted(rows.deals, ledgers.entries.deal[entry])
    groups = lengths[deal]
    one_each = len(entry) == len(rows.deals)
    line: Ints | slice = slice(None) if one_each else runs(starts[deal], groups)
    own = split_rows(ledgers.cum[entry].astype(np.int64, copy=False), weight[line], sums[deal], groups)
    reporting = own
    if len(changed := np.flatnonzero(np.isin(entry, ledgers.converted))):
        reporting = own.copy()
        first = np.cumsum(groups) - groups
        again = runs(first[changed], groups[changed])
        reporting[again] = split_rows(ledgers.totals.after[entry[changed]], weight[line][again], sums[deal[changed]], groups[changed])
    before = _lines_before(ledgers, entry, groups)
    same = reporting is own
    own = _differences(own, *before)
    shown = _shown(weight, sums[owner])
    return Columns(kept[line], np.repeat(entry, groups), shown[line], own, own if same else _differences(reporting, *before))


def _entries_of(rows: Rows, ledgers: Ledgers) -> Ints:
    """Return the entries of the deals."""
    if len(rows.deals) == rows.journeys.shard.deals:
        return np.arange(len(ledgers.cum))
    return np.flatnonzero(np.isin(ledgers.entries.deal, rows.deals))


def _lines_before(ledgers: Ledgers, entry: Ints, groups: Ints) -> tuple[Ints, Ints]:
    """Return (lines of entries that follow another of their run, the lines of that other)."""
    first = np.cumsum(groups) - groups
    previous = ledgers.entries.previous[entry]
    later = np.flatnonzero(previous >= 0)
    earlier = np.searchsorted(entry, previous[later])
    return runs(first[later], groups[later]), runs(first[earlier], groups[later])


def _differences(split_: Ints, later: Ints, earlier: Ints) -> Ints:
    """Return what each entry adds to the split of the running total."""
    if not len(later):
        return split_
    credit = split_.copy()
    credit[later] -= split_[earlier]
    return credit


def _shown(weight: Ints, sums: Ints) -> Ints:
    """Round weights half to even to twelve decimals."""
    quotient, remainder = muldiv(weight, np.broadcast_to(np.int64(_ONE), weight.shape), sums)
    doubled = 2 * remainder
    rounded: Ints = quotient + ((doubled > sums) | ((doubled == sums) & (quotient % 2 == 1)))
    return rounded


def _split_one_by_one(rows: Rows, model: Model, ledgers: Ledgers) -> Columns:
    """Do the same for deals whose numbers do not fit 64 bits, one by one."""
    everything = weights(rows, model, object)
    lines: list[tuple[int, int, int, int, int]] = []
    for number, deal in enumerate(rows.deals.tolist()):
        first = int(rows.starts[number])
        weight = [int(each) for each in everything[first : first + rows.lengths[number]]]
        whole = sum(weight)
        shown = [half_even(each * _ONE, whole) for each in weight]
        for entry in np.flatnonzero(ledgers.entries.deal == deal).tolist():
            own, reporting = (_credited(ledgers, entry, totals, weight) for totals in (ledgers.cum, ledgers.totals.after))
            lines += [(first + i, entry, shown[i], own[i], reporting[i]) for i, each in enumerate(weight) if each]
    return Columns(*np.array(lines, dtype=np.int64).reshape(-1, 5).T.copy())


def _credited(ledgers: Ledgers, entry: int, totals: Numbers, weight: list[int]) -> list[int]:
    previous = int(ledgers.entries.previous[entry])
    after = split(int(totals[entry]), weight)
    return after if previous < 0 else [new - old for new, old in zip(after, split(int(totals[previous]), weight), strict=True)]


def _table(rows: Rows, model: Model, ledgers: Ledgers, reporting: str, columns: Columns) -> Any:
    shard, entries = rows.journeys.shard, ledgers.entries
    count = len(columns.row)
    one = np.zeros(count, dtype=np.int8)
    known = ledgers.totals.known
    own_milli = entries.amounts.milli[entries.currency]
    arrays = [
        dictionary(one, pa.array([model.id])),
        dictionary(one, pa.array([model.journey])),
        dictionary(entries.deal[columns.entry], shard.deal["deal_id"].combine_chunks()),
        pa.array(rows.ordinal[columns.row].astype(np.int32)),
        pa.array(entries.number[columns.entry].astype(np.int32)),
        decimals(columns.weight, WEIGHT),
        decimals(columns.revenue * own_milli[columns.entry], MONEY),
        decimals(columns.revenue_reporting * milli_per_minor(reporting), MONEY, None if known.all() else known[columns.entry]),
    ]
    return pa.table(arrays, names=BOOK_SCHEMAS["credit_line"].names)
