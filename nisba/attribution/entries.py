"""The dated entries of deals, their running totals and what converting them needs (semantics: "Entries", "Money")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import (
    Bools,
    Ints,
    decimals,
    dictionary,
    encode,
    instants,
    instants_array,
    integers,
    numbered,
    text,
    thousandths,
)
from nisba.attribution.dates import local_days
from nisba.attribution.facts import MONEY
from nisba.attribution.fx import convert
from nisba.attribution.held import held_adjustments, held_rows
from nisba.attribution.shards import Shard
from nisba.config import Config
from nisba.money import milli_per_minor

__all__ = [
    "KINDS",
    "Entries",
    "Totals",
    "converted",
    "entry_rows",
    "held_deals",
    "make_entries",
    "rate_days",
    "reporting_totals",
]

KINDS = ("booking", "amendment", "reversal", "rebooking", "adjustment", "pending")
_BOOKING, _AMENDMENT, _REVERSAL, _REBOOKING, _ADJUSTMENT, _PENDING = range(6)

OUT_OF_RANGE = 10**15
"""A converted running total of so many whole units or more holds its deal."""


@dataclass(frozen=True)
class Entries:
    """Entries by (deal, entry_no); money in minor units of each entry's currency."""

    deal: Ints
    kind: Ints
    """Place in KINDS."""
    booked_at_us: Ints
    """0 for pending."""
    currency: Ints
    """Currency code of the shard."""
    amount: Ints
    row: Ints
    """The row of the state, or of the adjustment, that made it."""

    @cached_property
    def number(self) -> Ints:
        """`entry_no`: 1, 2, … in each deal."""
        return numbered(self.deal)

    @cached_property
    def previous(self) -> Ints:
        """The deal's previous entry in the same currency; -1 for none."""
        order = np.lexsort((np.arange(len(self.deal)), self.currency, self.deal))
        previous = np.full(len(order), -1, dtype=np.int64)
        now, then = order[1:], order[:-1]
        same = (self.deal[now] == self.deal[then]) & (self.currency[now] == self.currency[then])
        previous[now[same]] = then[same]
        return previous

    def before(self, running: Ints) -> Ints:
        """Return a running total as it was before each entry: that after the previous one in the same currency, or 0."""
        return np.where(self.previous < 0, 0, running[self.previous])

    def running(self) -> Ints:
        """Return `cum`: the running total of the entry's currency in its deal, after the entry."""
        cum, later = self.amount.copy(), np.flatnonzero(self.previous >= 0)
        for place in later.tolist():  # few deals have more than one entry, and an entry comes after its previous one
            cum[place] += cum[self.previous[place]]
        return cum


@dataclass(frozen=True)
class Totals:
    """Running totals in the reporting currency, in its minor units, after and before each entry."""

    after: Ints
    before: Ints
    known: Bools
    """False while the deal is held in the entry's currency."""
    reason: dict[tuple[int, int], str]
    """(deal, currency) → why it is held."""


def make_entries(shard: Shard) -> tuple[Entries, Any]:
    """Return the entries of a shard's deals, and the held rows of adjustments that do not apply."""
    applied, held = _apply_adjustments(shard)
    parts = [*_from_states(shard), applied]
    deal, step, kind, booked_at, currency, amount, row = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((step, deal))
    return Entries(deal[order], kind[order], booked_at[order], currency[order], amount[order], row[order]), held


_Part = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]  # deal, step inside the deal, kind, booked_at, currency, amount, row


def _from_states(shard: Shard) -> Iterator[_Part]:
    """Yield what the states make: the step of state i is 2i for its reversal, 2i + 1 for the rest."""
    runs_ = _Runs.of(shard)
    amount, has_amount = shard.amount_minor
    at_us, before = shard.changed_at_us, np.arange(-1, len(shard.state) - 1)

    ended = np.flatnonzero(runs_.ends_before)
    yield _part(shard, ended, 2 * ended, _REVERSAL, at_us[ended], shard.currency[before[ended]], -amount[before[ended]])
    begun = np.flatnonzero(runs_.begins)
    kind = np.where(runs_.first_of_deal[begun], _BOOKING, _REBOOKING)
    booked_at = np.where(runs_.opens_spell[begun], shard.closed_at_us[0][runs_.last_state(begun)], at_us[begun])
    yield _part(shard, begun, 2 * begun + 1, kind, booked_at, shard.currency[begun], amount[begun])
    amended = np.flatnonzero(runs_.continues & (amount != amount[before]))
    yield _part(shard, amended, 2 * amended + 1, _AMENDMENT, at_us[amended], shard.currency[amended], (amount - amount[before])[amended])
    current = shard.current[shard.is_open[shard.current] & has_amount[shard.current]]
    yield _part(shard, current, 2 * current + 1, _PENDING, current * 0, shard.currency[current], amount[current])


def _part(shard: Shard, row: Ints, step: Ints, kind: Ints | int, booked_at: Ints, currency: Ints, amount: Ints) -> _Part:
    return shard.state_deal[row], step, np.broadcast_to(np.asarray(kind, dtype=np.int64), row.shape), booked_at, currency, amount, row


@dataclass(frozen=True)
class _Runs:
    """Won spells and currency runs, one row per state."""

    begins: Bools
    """A currency run begins with this state."""
    opens_spell: Bools
    first_of_deal: Bools
    """It opens the first won spell of its deal."""
    continues: Bools
    """The state carries on the currency run of the one before it."""
    ends_before: Bools
    """The state ends the currency run of the one before it."""
    _last: Ints
    _number: Ints

    @classmethod
    def of(cls, shard: Shard) -> _Runs:
        won, deal = shard.is_won, shard.state_deal
        was_won = np.zeros(len(won), dtype=bool)
        was_won[1:] = won[:-1] & (deal[1:] == deal[:-1])
        same_currency = np.zeros(len(won), dtype=bool)
        same_currency[1:] = shard.currency[1:] == shard.currency[:-1]
        continues = won & was_won & same_currency
        begins, opens_spell = won & ~continues, won & ~was_won
        spells = np.cumsum(opens_spell)
        start = np.searchsorted(deal, deal)
        first = opens_spell & (spells - (spells - opens_spell)[start] == 1) if len(won) else opens_spell
        number = np.cumsum(begins) - 1
        last = np.zeros(int(begins.sum()), dtype=np.int64)
        last[number[won]] = np.flatnonzero(won)  # of repeated numbers the last assignment stays
        return cls(begins, opens_spell, first, continues, was_won & ~continues, last, number)

    def last_state(self, row: Ints) -> Ints:
        """Return the last state of the currency run that a state belongs to."""
        return self._last[self._number[row]]


def _apply_adjustments(shard: Shard) -> tuple[_Part, Any]:
    """Apply adjustments in order while each deal's net stays at zero or more; hold the others."""
    table = shard.adjustment
    deals, currencies = integers(table["deal"])[0].tolist(), text(table["currency"]).to_pylist()
    amounts = thousandths(table["amount"])[0].tolist()
    won, current = shard.is_won[shard.current], shard.current
    codes = {code: place for place, code in enumerate(shard.currencies)}
    net: dict[int, int] = {}
    applied: list[tuple[int, int, int, int]] = []
    held: list[tuple[int, str]] = []
    for row, (deal, currency, thousands) in enumerate(zip(deals, currencies, amounts, strict=True)):
        code = codes.get(currency, -1)
        amount = thousands // milli_per_minor(currency)
        before = net.get(deal)
        if before is None:
            before = int(shard.amount_minor[0][current[deal]])
        if not won[deal]:
            held.append((row, "not_won"))
        elif code != shard.currency[current[deal]]:
            held.append((row, "currency_mismatch"))
        elif before + amount < 0:
            held.append((row, "over_refund"))
        else:
            net[deal] = before + amount
            applied.append((deal, code, amount, row))
    columns = np.array(applied, dtype=np.int64).reshape(-1, 4)
    deal_, code_, amount_, row_ = (columns[:, place] for place in range(4))
    kind = np.full(len(row_), _ADJUSTMENT, dtype=np.int64)
    booked_at = instants(table["effective_at"])[0][row_]
    step = 2 * len(shard.state) + 2 + row_  # after all states
    part = (deal_, step, kind, booked_at, code_, amount_, row_)
    rows = pa.array([row for row, _ in held], pa.int64())
    return part, held_adjustments(table.take(rows), [reason for _, reason in held])


def rate_days(states: Any, current: Ints, time_zone: str) -> Ints:
    """Return each deal's date of its FX rate: of its close where won or lost, of its current state's `time` where open."""
    at_us = instants(states["occurred_at"])[0][current]
    closed_us = instants(states["closed_at"])[0][current]
    codes, values = encode(states["status"])
    is_open = np.array([value == "open" for value in values.to_pylist()] or [False])[codes[current]]
    return local_days(np.where(is_open, at_us, closed_us), time_zone)


def converted(shard: Shard, deal: Ints, currency: Ints, amount: Ints, config: Config) -> tuple[Ints, Bools, Bools]:
    """Convert amounts of deals, minor units, at each deal's one rate per currency, rounding half to even.

    Returns (minor units of the reporting currency with 0 where unknown, which are known, which lack a rate); out of range is unknown.
    """
    target = config.reporting.currency
    limit = OUT_OF_RANGE * 1000 // milli_per_minor(target)
    days = rate_days(shard.state, shard.current, config.reporting.time_zone)[deal]
    rates = _rates(shard)
    result, known, unrated = amount.copy(), np.ones(len(amount), dtype=bool), np.zeros(len(amount), dtype=bool)
    foreign = np.array([code != target for code in shard.currencies] or [False])[currency]
    for place in np.flatnonzero(foreign | (amount >= limit)).tolist():
        rate = rates.get((int(days[place]), int(currency[place]))) if foreign[place] else Fraction(1)
        total = limit if rate is None else convert(int(amount[place]), rate)
        known[place], unrated[place] = total < limit, rate is None
        result[place] = total if total < limit else 0
    return result, known, unrated


def _rates(shard: Shard) -> dict[tuple[int, int], Fraction]:
    """Return the rates between minor units by (day, currency code); missing ones are absent."""
    codes = {code: place for place, code in enumerate(shard.currencies)}
    rows = zip(*(shard.rate[name].to_pylist() for name in ("day", "currency", "numerator", "denominator")), strict=True)
    return {(day, codes[currency]): Fraction(int(over), int(under)) for day, currency, over, under in rows if currency in codes}


def reporting_totals(shard: Shard, entries: Entries, cum: Ints, config: Config) -> Totals:
    """Convert running totals; one that is unknown holds its deal in that currency."""
    after, known, unrated = converted(shard, entries.deal, entries.currency, cum, config)
    lost = np.flatnonzero(~known).tolist()
    reason = {
        (int(entries.deal[place]), int(entries.currency[place])): "fx_missing" if unrated[place] else "out_of_range" for place in lost
    }
    if reason:
        known = np.array([pair not in reason for pair in zip(entries.deal.tolist(), entries.currency.tolist(), strict=True)], dtype=bool)
    return Totals(np.where(known, after, 0), np.where(known, entries.before(after), 0), known, reason)


def entry_rows(shard: Shard, entries: Entries, totals: Totals, config: Config) -> Any:
    """Return the rows of `entry`."""
    final = entries.kind != _PENDING
    adjusted = entries.kind == _ADJUSTMENT
    currencies = pa.array(shard.currencies, pa.string())
    target = milli_per_minor(config.reporting.currency)
    days = local_days(entries.booked_at_us, config.reporting.time_zone)
    columns = [
        dictionary(entries.deal, shard.deal["deal_id"].combine_chunks()),
        pa.array(entries.number.astype(np.int32)),
        dictionary(entries.kind, pa.array(KINDS)),
        instants_array(entries.booked_at_us, final),
        pa.array(days.astype(np.int32), mask=~final).view(pa.date32()),
        pa.array(final),
        dictionary(entries.currency, currencies),
        decimals(entries.amount * shard.milli[entries.currency], MONEY),
        decimals((totals.after - totals.before) * target, MONEY, totals.known),
        _made_by(shard, entries, adjusted, "source"),
        _made_by(shard, entries, adjusted, "event_id"),
    ]
    return pa.table(columns, names=BOOK_SCHEMAS["entry"].names)


def _made_by(shard: Shard, entries: Entries, adjusted: Bools, name: str) -> Any:
    """Return the source or id of the event that made each entry."""
    both = pa.concat_arrays([text(shard.state[name]), text(shard.adjustment[name])])
    return both.take(pa.array(entries.row + np.where(adjusted, len(shard.state), 0)))


def held_deals(shard: Shard, entries: Entries, cum: Ints, totals: Totals) -> Any:
    """Return one held row per deal and currency whose money has no figure; the amount is the deal's running total."""
    is_last = np.ones(len(cum), dtype=bool)
    is_last[entries.previous[entries.previous >= 0]] = False
    rows = np.flatnonzero(is_last & ~totals.known)
    codes = entries.currency[rows]
    deal_ids = shard.deal["deal_id"].combine_chunks().take(pa.array(entries.deal[rows]))
    reasons = [totals.reason[pair] for pair in zip(entries.deal[rows].tolist(), codes.tolist(), strict=True)]
    return held_rows(
        "deal",
        deal_ids,
        reasons,
        deal_id=deal_ids,
        currency=pa.array([shard.currencies[code] for code in codes.tolist()], pa.string()),
        amount=decimals(cum[rows] * shard.milli[codes], MONEY),
    )
