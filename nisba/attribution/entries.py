"""The dated entries of deals, their running totals and what converting them needs (semantics: "Entries", "Money")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import (
    Bools,
    Ints,
    decimals,
    dictionary,
    distinct,
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
from nisba.attribution.held import held_adjustments, held_rows, over_refunds
from nisba.attribution.shards import Shard
from nisba.attribution.spells import Amounts, Runs
from nisba.config import Config
from nisba.money import MAX_AMOUNT, TABLE_DIGITS, milli_per_minor

__all__ = [
    "KINDS",
    "PENDING",
    "Entries",
    "Totals",
    "converted",
    "current_amounts",
    "entry_rows",
    "held_deals",
    "make_entries",
    "reporting_amounts",
    "reporting_totals",
]

KINDS = ("booking", "amendment", "reversal", "rebooking", "adjustment", "pending")
_BOOKING, _AMENDMENT, _REVERSAL, _REBOOKING, _ADJUSTMENT, PENDING = range(6)
_BEGINNINGS = (_BOOKING, _REBOOKING, PENDING)

Numbers = npt.NDArray[Any]
"""int64, or Python's integers (dtype object)."""


@dataclass(frozen=True)
class Entries:
    """Entries by (deal, entry_no); money in minor units of each entry's currency."""

    amounts: Amounts
    deal: Ints
    kind: Ints
    """Place in KINDS."""
    booked_at_us: Ints
    """0 for pending."""
    currency: Ints
    """Currency code of `amounts`."""
    amount: Ints
    row: Ints
    """The row of the state, or of the adjustment, that made it."""

    @cached_property
    def number(self) -> Ints:
        """`entry_no`: 1, 2, … in each deal."""
        return numbered(self.deal)

    @cached_property
    def begins(self) -> Bools:
        """Whether each begins a run: of one currency and one rate; a pending entry is a run by itself."""
        return np.isin(self.kind, _BEGINNINGS)

    @cached_property
    def run(self) -> Ints:
        """The run of each entry, 0, 1, … through all deals."""
        return np.cumsum(self.begins) - 1

    @cached_property
    def previous(self) -> Ints:
        """The previous entry of the run; -1 for none."""
        return np.where(self.begins, -1, np.arange(len(self.deal)) - 1)

    def before(self, running: Ints) -> Ints:
        """Return a running total as it was before each entry: that after the previous one of the run, or 0."""
        return np.where(self.begins, 0, running[self.previous])

    @cached_property
    def cum(self) -> Numbers:
        """The running total of the run after each entry: int64, or Python's integers where one leaves 64 bits."""
        starts = np.flatnonzero(self.begins)
        sizes = np.add.reduceat(np.abs(self.amount).astype(np.float64), starts) if len(starts) else np.zeros(0)
        amount: Numbers = self.amount.astype(object) if (sizes >= 2.0**62).any() else self.amount
        total = np.cumsum(amount, dtype=amount.dtype)  # of 64 bits it may wrap; the differences below are exact all the same
        result: Numbers = total - (total - amount)[starts][self.run]
        return result


@dataclass(frozen=True)
class Totals:
    """Running totals in the reporting currency, in its minor units, after and before each entry."""

    after: Ints
    before: Ints
    known: Bools
    """False while the entry's run is held."""
    reason: list[tuple[int, str]]
    """(deal, why it is held), each once."""


def make_entries(shard: Shard, config: Config) -> tuple[Entries, Any]:
    """Return the entries of a shard's deals, and the held rows of adjustments."""
    amounts = Amounts.of(shard, config.reporting.currency)
    applied, held = _apply_adjustments(shard, amounts, config.reporting.time_zone)
    parts = [*_from_states(shard, amounts), applied]
    deal, step, kind, booked_at, currency, amount, row = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((step, deal))
    return Entries(amounts, *(column[order] for column in (deal, kind, booked_at, currency, amount, row))), held


_Part = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]  # deal, step inside the deal, kind, booked_at, currency, amount, row


def _from_states(shard: Shard, amounts: Amounts) -> Iterator[_Part]:
    """Yield what the states make: the step of state i is 2i for its reversal, 2i + 1 for the rest."""
    runs, amount, currency = Runs.of(shard, amounts), amounts.amount, amounts.currency
    at_us, before = shard.changed_at_us, np.arange(-1, len(shard.state) - 1)

    ended = np.flatnonzero(runs.ends_before)
    yield _part(shard, ended, 2 * ended, _REVERSAL, at_us[ended], currency[before[ended]], -amount[before[ended]])
    begun = np.flatnonzero(runs.begins)
    kind = np.where(runs.first_of_deal[begun], _BOOKING, _REBOOKING)
    booked_at = np.where(runs.opens_spell[begun], shard.closed_at_us[0][runs.last_state(begun)], at_us[begun])
    yield _part(shard, begun, 2 * begun + 1, kind, booked_at, currency[begun], amount[begun])
    amended = np.flatnonzero(runs.continues & (amount != amount[before]))
    yield _part(shard, amended, 2 * amended + 1, _AMENDMENT, at_us[amended], currency[amended], (amount - amount[before])[amended])
    current = shard.current[shard.is_open[shard.current] & amounts.known[shard.current]]
    yield _part(shard, current, 2 * current + 1, PENDING, current * 0, currency[current], amount[current])


def _part(shard: Shard, row: Ints, step: Ints, kind: Ints | int, booked_at: Ints, currency: Ints, amount: Ints) -> _Part:
    return shard.state_deal[row], step, np.broadcast_to(np.asarray(kind, dtype=np.int64), row.shape), booked_at, currency, amount, row


def _apply_adjustments(shard: Shard, amounts: Amounts, time_zone: str) -> tuple[_Part, Any]:
    """Apply the adjustments that can be, in order, and never below zero; hold the others, and what is missing in the end."""
    table = shard.adjustment
    deal, effective = integers(table["deal"])[0], instants(table["effective_at"])[0]
    asked = thousandths(table["amount"])[0]
    refused, amount = _in_currency_of_deal(shard, amounts, deal, local_days(effective, time_zone))
    net, last_refund, entered = _Net(shard, amounts), dict[int, int](), dict[int, int]()
    for row in [row for row in range(len(table)) if row not in refused]:
        entered[row] = net.add(int(deal[row]), amount[row])
        if asked[row] < 0:  # whatever is left of it once converted
            last_refund[int(deal[row])] = row
    row_ = np.array(list(entered), dtype=np.int64)
    deal_ = deal[row_]
    step = 2 * len(shard.state) + 2 + row_  # after all states
    kind, entered_ = np.full(len(row_), _ADJUSTMENT, dtype=np.int64), np.array(list(entered.values()), dtype=np.int64)
    part = (deal_, step, kind, effective[row_], amounts.currency[shard.current[deal_]], entered_, row_)
    held = held_adjustments(table.take(pa.array(list(refused), pa.int64())), list(refused.values()))
    missing = {last_refund[deal]: (net.currency(deal), net.missing(deal)) for deal in last_refund if net.missing(deal)}
    over = table.take(pa.array(list(missing), pa.int64()))
    return part, pa.concat_tables([held, over_refunds(over, list(missing.values()))])


class _Net:
    """What each deal is worth with the adjustments that were applied so far, in minor units; it may be below zero."""

    def __init__(self, shard: Shard, amounts: Amounts) -> None:
        self._shard, self._amounts = shard, amounts
        self._net: dict[int, int] = {}

    def add(self, deal: int, amount: int) -> int:
        """Apply an adjustment; return what it adds to the books, which never go below zero."""
        before = self._net.get(deal)
        if before is None:
            before = int(self._amounts.amount[self._shard.current[deal]])
        self._net[deal] = before + amount
        return max(0, before + amount) - max(0, before)

    def missing(self, deal: int) -> Decimal:
        """Return what a deal is below zero, in units of its currency."""
        return Decimal(max(0, -self._net[deal]) * milli_per_minor(self.currency(deal))).scaleb(-TABLE_DIGITS)

    def currency(self, deal: int) -> str:
        """Return the currency of a deal's current run."""
        return str(self._amounts.currencies[self._amounts.currency[self._shard.current[deal]]])


def _in_currency_of_deal(shard: Shard, amounts: Amounts, deal: Ints, day: Ints) -> tuple[dict[int, str], list[int]]:
    """Return why adjustments cannot be applied, by row, and the amount of each in minor units of its deal's current run."""
    thousands, codes = thousandths(shard.adjustment["amount"])[0].tolist(), text(shard.adjustment["currency"]).to_pylist()
    refused: dict[int, str] = {}
    converted_: list[int] = []
    for row, state in enumerate(shard.current[deal].tolist()):
        amount, reason = 0, None
        if not shard.is_won[state]:
            reason = "not_won"
        elif not amounts.known[state]:
            reason = "no_amount"
        else:
            currency = amounts.currencies[amounts.currency[state]]
            own = thousands[row] // milli_per_minor(codes[row])
            rate = Fraction(1) if codes[row] == currency else shard.rates.get((int(day[row]), codes[row], currency))
            amount = 0 if rate is None else convert(own, rate)
            reason = "fx_missing" if rate is None else "out_of_range" if abs(amount) >= _limit(currency) else None
        converted_.append(amount)
        if reason:
            refused[row] = reason
    return refused, converted_


def _limit(currency: str) -> int:
    """Return the total, in minor units, that is out of range."""
    return int(MAX_AMOUNT * 10**TABLE_DIGITS // milli_per_minor(currency))


def converted(shard: Shard, amounts: Amounts, currency: Ints, amount: Numbers, day: Ints, config: Config) -> tuple[Ints, Bools, Bools]:
    """Convert amounts in minor units, each at the rate of its day, rounding half to even.

    Returns (minor units of the reporting currency with 0 where unknown, which are known, which lack a rate); out of range is unknown.
    """
    target = config.reporting.currency
    limits = np.array([_limit(code) for code in amounts.currencies] or [0], dtype=np.int64)
    foreign = np.array([code != target for code in amounts.currencies] or [False])[currency]
    special = np.flatnonzero(foreign | (amount >= limits[currency]))
    known, unrated = np.ones(len(amount), dtype=bool), np.zeros(len(amount), dtype=bool)
    result: Numbers = amount.copy()
    for place in special.tolist():
        rate = shard.rates.get((int(day[place]), amounts.currencies[currency[place]], target)) if foreign[place] else Fraction(1)
        total = 0 if rate is None else convert(int(amount[place]), rate)
        in_range = total < _limit(target)
        known[place], unrated[place] = in_range and rate is not None, rate is None
        result[place] = total if in_range else 0
    return result.astype(np.int64, copy=False), known, unrated


def reporting_totals(shard: Shard, entries: Entries, config: Config) -> Totals:
    """Convert running totals, those of a run at the rate of its beginning; one that is unknown or out of range holds its deal."""
    begun_us = np.where(entries.kind == PENDING, shard.changed_at_us[_state_of(shard, entries)], entries.booked_at_us)[entries.begins]
    days = local_days(begun_us, config.reporting.time_zone)[entries.run]
    after, known, unrated = converted(shard, entries.amounts, entries.currency, entries.cum, days, config)
    limits = np.array([_limit(code) for code in entries.amounts.currencies] or [0], dtype=np.int64)
    too_large = (entries.cum >= limits[entries.currency]) | ~(known | unrated)
    if not (too_large | unrated).any():
        return Totals(after, entries.before(after), known, [])
    bad = np.bincount(entries.run[too_large | unrated], minlength=int(entries.begins.sum())) > 0
    known = ~bad[entries.run]
    reason = [(deal, "fx_missing") for deal in distinct(entries.deal[unrated]).tolist()]
    reason += [(deal, "out_of_range") for deal in distinct(entries.deal[too_large]).tolist()]
    return Totals(np.where(known, after, 0), np.where(known, entries.before(after), 0), known, reason)


def _state_of(shard: Shard, entries: Entries) -> Ints:
    """Return the state that made each entry; 0 for adjustments."""
    return np.where(entries.kind == _ADJUSTMENT, 0, entries.row)


def entry_rows(shard: Shard, entries: Entries, totals: Totals, config: Config) -> Any:
    """Return the rows of `entry`."""
    final = entries.kind != PENDING
    adjusted = entries.kind == _ADJUSTMENT
    currencies = pa.array(entries.amounts.currencies, pa.string())
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
        decimals(entries.amount * entries.amounts.milli[entries.currency], MONEY),
        decimals((totals.after - totals.before) * target, MONEY, totals.known),
        _made_by(shard, entries, adjusted, "source"),
        _made_by(shard, entries, adjusted, "event_id"),
    ]
    return pa.table(columns, names=BOOK_SCHEMAS["entry"].names)


def _made_by(shard: Shard, entries: Entries, adjusted: Bools, name: str) -> Any:
    """Return the source or id of the event that made each entry."""
    both = pa.concat_arrays([text(shard.state[name]), text(shard.adjustment[name])])
    return both.take(pa.array(entries.row + np.where(adjusted, len(shard.state), 0)))


def current_amounts(shard: Shard, entries: Entries) -> tuple[Any, Any]:
    """Return the (amount, currency) columns of deals: those of the current state, null where it has none."""
    amounts, state = entries.amounts, shard.current
    known, code = amounts.known[state], amounts.currency[state]
    amount = decimals(amounts.amount[state] * amounts.milli[code], MONEY, known)
    return amount, dictionary(np.where(known, code, -1), pa.array(amounts.currencies, pa.string())).cast(pa.string())


def reporting_amounts(shard: Shard, entries: Entries, closed_us: Ints, config: Config) -> tuple[Ints, Bools]:
    """Return each deal's current amount in minor units of the reporting currency, and where it has one in range.

    The rate is that of the current run of a won deal, of the close (`closed_us`) of a lost one, of the state's `time` of an open one.
    """
    amounts, state = entries.amounts, shard.current
    at_us = np.where(shard.is_open[state], shard.changed_at_us[state], closed_us)
    runs = np.flatnonzero(entries.begins & (entries.kind != PENDING))  # of a deal that is won now the last run is the current one
    last_begun = np.zeros(shard.deals, dtype=np.int64)
    last_begun[entries.deal[runs]] = entries.booked_at_us[runs]
    at_us = np.where(shard.is_won[state], last_begun, at_us)
    days = local_days(at_us, config.reporting.time_zone)
    result, known, _ = converted(shard, amounts, amounts.currency[state], amounts.amount[state], days, config)
    return result, amounts.known[state] & known


def held_deals(shard: Shard, entries: Entries, totals: Totals) -> Any:
    """Return one held row per deal and reason: money without a figure; its amount is that of the deal's current state."""
    amounts, state = entries.amounts, shard.current
    unknown = np.flatnonzero(shard.is_won[state] & ~amounts.known[state]).tolist()
    held = [*totals.reason, *((deal, "no_amount") for deal in unknown)]
    deals = pa.array([deal for deal, _ in held], pa.int64())
    deal_ids = shard.deal["deal_id"].combine_chunks().take(deals)
    amount, currency = current_amounts(shard, entries)
    return held_rows(
        "deal", deal_ids, [reason for _, reason in held], deal_id=deal_ids, currency=currency.take(deals), amount=amount.take(deals)
    )
