"""The dated books of a deal (semantics §3, §6, §7): spells, currency runs and their rates, entries, adjustments, held money."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from nisba.config import Config
from tests.oracle.money import Rates, converted, in_units, is_out_of_range, minor
from tests.oracle.settled import Event, Settled, day_of, register_order, zone_of

__all__ = [
    "Deal",
    "Entry",
    "Held",
    "Run",
    "adjustments_of",
    "amount_reporting",
    "deals",
    "entries",
    "first_amount",
    "held_deal",
    "held_row",
    "reporting_totals",
]

Money = tuple[int, str]  # minor units, currency
Totals = list[tuple[int | None, int | None]]


@dataclass(frozen=True)
class Deal:
    """A deal that is not deleted: all its states in register order."""

    id: str
    states: list[Event]

    @property
    def current(self) -> Event:
        """Return the current state."""
        return self.states[-1]

    @property
    def is_won(self) -> bool:
        """Tell whether the deal is won now."""
        return bool(self.current.get("status") == "won")

    def money(self) -> Money | None:
        """Return what the deal is worth: of a won state without an amount that of its spell; None where nobody knows."""
        return _amounts_of_spell(_spells(self.states)[-1].states)[-1] if self.is_won else _own_amount(self.current)


@dataclass(frozen=True)
class Spell:
    """A maximal run of consecutive won states, and the state that ended it (None: the deal is won now)."""

    states: list[Event]
    ended_by: Event | None


@dataclass(frozen=True)
class Run:
    """Entries that share running totals and a rate: those of a currency run, or a pending one alone."""

    currency: str
    rate_of: dt.date


@dataclass
class Entry:
    """A dated entry; money in minor units of its currency."""

    entry: str
    run: Run
    amount: int
    booked_at: int | None
    made_by: Event
    number: int = 0
    before: int = 0  # running total of its run, without this entry
    cum: int = 0  # and with it

    @property
    def currency(self) -> str:
        """Return the currency of its run."""
        return self.run.currency

    @property
    def is_final(self) -> bool:
        """Tell whether the entry counts as revenue."""
        return self.entry != "pending"


@dataclass(frozen=True)
class Held:
    """Money that is in no figure, and why; amount and currency are None where nobody knows them."""

    kind: str
    id: str
    reason: str
    currency: str | None
    amount: Decimal | None
    deal_id: str | None = None
    campaign_id: str | None = None


def deals(settled: Settled) -> list[Deal]:
    """Return the deals whose current state is not deleted."""
    states: dict[str, list[Event]] = {}
    for state in settled.of("deal"):
        states.setdefault(state.get("deal_id"), []).append(state)
    ordered = [Deal(deal_id, sorted(of_deal, key=register_order)) for deal_id, of_deal in states.items()]
    return [deal for deal in ordered if not deal.current.get("deleted")]


def _own_amount(event: Event) -> Money | None:
    """Return the amount that an event says."""
    amount, currency = event.get("amount"), event.get("currency")
    return None if amount is None else (minor(amount, currency), currency)


def first_amount(deal: Deal) -> Money | None:
    """Return the amount of the pipeline that a deal created: the first one above zero, else the first of zero."""
    said = [money for money in map(_own_amount, deal.states) if money is not None]
    return next((money for money in said if money[0] > 0), said[0] if said else None)


def _spells(states: list[Event]) -> list[Spell]:
    """Return the won spells."""
    spells: list[Spell] = []
    won: list[Event] = []
    for state in states:
        if state.get("status") == "won":
            won.append(state)
        elif won:
            spells.append(Spell(won, state))
            won = []
    return [*spells, Spell(won, None)] if won else spells


def _amounts_of_spell(states: list[Event]) -> list[Money | None]:
    """Return the amount of each state of a won spell: its own, else the nearest earlier one, else the nearest later one."""
    own = [_own_amount(state) for state in states]
    amounts = []
    for i in range(len(states)):
        earlier = [money for money in own[: i + 1] if money is not None]
        later = [money for money in own[i:] if money is not None]
        amounts.append(earlier[-1] if earlier else later[0] if later else None)
    return amounts


def _of_spell(spell: Spell, is_first: bool, config: Config) -> list[Entry]:
    """Return the entries of a won spell, run after run; the reversal of a run comes before what replaces it."""
    made: list[Entry] = []
    nothing = (0, config.reporting.currency)
    amounts = [nothing if money is None else money for money in _amounts_of_spell(spell.states)]
    starts = [i for i in range(len(amounts)) if i == 0 or amounts[i][1] != amounts[i - 1][1]]
    for start, end in pairwise([*starts, len(amounts)]):
        states, (first, currency) = spell.states[start:end], amounts[start]
        booked_at = states[-1].get("closed_at") if start == 0 else states[0].time
        run = Run(currency, day_of(booked_at, zone_of(config)))
        made.append(Entry("booking" if is_first and start == 0 else "rebooking", run, first, booked_at, states[0]))
        made += [
            Entry("amendment", run, amounts[i][0] - amounts[i - 1][0], spell.states[i].time, spell.states[i])
            for i in range(start + 1, end)
            if amounts[i] != amounts[i - 1]
        ]
        ended_by = spell.states[end] if end < len(amounts) else spell.ended_by
        if ended_by is not None:
            made.append(Entry("reversal", run, -amounts[end - 1][0], ended_by.time, ended_by))
    return made


def _of_states(deal: Deal, config: Config) -> list[Entry]:
    """Return the entries that the states make, in register order."""
    made = [entry for number, spell in enumerate(_spells(deal.states)) for entry in _of_spell(spell, number == 0, config)]
    pending = _own_amount(deal.current)
    if deal.current.get("status") == "open" and pending is not None:
        run = Run(pending[1], day_of(deal.current.time, zone_of(config)))
        made.append(Entry("pending", run, pending[0], None, deal.current))
    return made


def adjustments_of(settled: Settled) -> dict[str, list[Event]]:
    """Return the winning adjustments by the deal they name, in the order in which they are tried."""
    by_deal: dict[str, list[Event]] = {}
    for event in settled.register("adjustment", lambda event: event.get("adjustment_id")).values():
        by_deal.setdefault(event.get("deal_id"), []).append(event)
    return {id_: sorted(found, key=lambda e: (e.get("effective_at"), e.get("adjustment_id"))) for id_, found in by_deal.items()}


def _in_currency(adjustment: Event, currency: str, rate: Rates, config: Config) -> int | str:
    """Return an adjustment in minor units of a currency, or why that cannot be told."""
    amount, own = minor(adjustment.get("amount"), adjustment.get("currency")), adjustment.get("currency")
    if own == currency:
        return amount
    the_rate = rate(own, currency, day_of(adjustment.get("effective_at"), zone_of(config)))
    if the_rate is None:
        return "fx_missing"
    result = converted(amount, own, currency, the_rate)
    return "out_of_range" if result is None else result


def _worth(deal: Deal | None, adjustment: Event, rate: Rates, config: Config) -> int | str:
    """Return what an adjustment is worth in the currency of the deal's current run, or why it is held."""
    if deal is None:
        return "unknown_deal"
    if not deal.is_won:
        return "not_won"
    current = deal.money()
    return "no_amount" if current is None else _in_currency(adjustment, current[1], rate, config)


def entries(deal: Deal | None, adjustments: list[Event], rate: Rates, config: Config) -> tuple[list[Entry], list[Held]]:
    """Return the numbered entries of a deal, and its held adjustments; a deal that is None is unknown or deleted."""
    made = _of_states(deal, config) if deal is not None else []
    held = []
    current = deal.money() if deal is not None and deal.is_won else None
    net, last_refund = current[0] if current is not None else 0, None
    for event in adjustments:
        worth = _worth(deal, event, rate, config)
        if isinstance(worth, str):
            held.append(_held_adjustment(event, worth))
            continue
        entry = max(0, net + worth) - max(0, net)
        made.append(Entry("adjustment", made[-1].run, entry, event.get("effective_at"), event))
        net += worth
        last_refund = event if event.get("amount") < 0 else last_refund
    if net < 0 and current is not None and last_refund is not None:
        held.append(_missing(last_refund, -net, current[1]))
    _number(made)
    return made, held


def _held_adjustment(event: Event, reason: str) -> Held:
    return Held("adjustment", event.get("adjustment_id"), reason, event.get("currency"), event.get("amount"), deal_id=event.get("deal_id"))


def _missing(refund: Event, missing: int, currency: str) -> Held:
    """Return what refunds took beyond zero, held under the latest of them."""
    amount = in_units(missing, currency)
    return Held("adjustment", refund.get("adjustment_id"), "over_refund", currency, amount, deal_id=refund.get("deal_id"))


def _number(made: list[Entry]) -> None:
    """Number the entries and give each the running totals of its run."""
    for number, entry in enumerate(made, start=1):
        entry.number = number
        entry.before = made[number - 2].cum if number > 1 and made[number - 2].run is entry.run else 0
        entry.cum = entry.before + entry.amount


def reporting_totals(made: list[Entry], rate: Rates, config: Config) -> tuple[Totals, set[str]]:
    """Return each entry's running total in the reporting currency, before and after it, and why some are unknown.

    All entries of a run that cannot be converted have None.
    """
    totals: Totals = []
    reasons: set[str] = set()
    for entry in made:
        why, of_run = _totals_of_run([other for other in made if other.run is entry.run], rate, config)
        reasons |= why
        totals.append((None, None) if why else (of_run[entry.before], of_run[entry.cum]))
    return totals, reasons


def _totals_of_run(of_run: list[Entry], rate: Rates, config: Config) -> tuple[set[str], dict[int, int | None]]:
    """Return why the running totals of a run are unknown in the reporting currency, and what they are."""
    run, reporting = of_run[0].run, config.reporting.currency
    cums = {0, *(entry.cum for entry in of_run)}
    reasons = {"out_of_range"} if any(is_out_of_range(cum, run.currency) for cum in cums) else set()
    the_rate = rate(run.currency, reporting, run.rate_of)
    if the_rate is None:
        return reasons | {"fx_missing"}, {}
    into = {cum: converted(cum, run.currency, reporting, the_rate) for cum in cums}
    return reasons | ({"out_of_range"} if None in into.values() else set()), into


def held_deal(deal: Deal, reasons: set[str]) -> list[Held]:
    """Return one row per reason for which a deal is held, with what it is worth now; `no_amount`: nobody knows what."""
    money = deal.money()
    amount, currency = (None, None) if money is None else (in_units(*money), money[1])
    found = [*reasons, *(["no_amount"] if deal.is_won and money is None else [])]
    return [Held("deal", deal.id, reason, currency, amount, deal_id=deal.id) for reason in sorted(found)]


def amount_reporting(deal: Deal, made: list[Entry], rate: Rates, config: Config) -> int | None:
    """Return what a deal is worth in the reporting currency: at the rate of its current run, its close or its state's time."""
    money, state = deal.money(), deal.current
    if money is None:
        return None
    if deal.is_won:
        day = made[-1].run.rate_of
    else:
        day = day_of(state.time if state.get("status") == "open" else state.get("closed_at"), zone_of(config))
    the_rate: Fraction | None = rate(money[1], config.reporting.currency, day)
    return None if the_rate is None else converted(money[0], money[1], config.reporting.currency, the_rate)


def held_row(held: Held) -> dict[str, Any]:
    """Return a row of `ops.held`; its `detail` is prose and not compared."""
    return {
        "kind": held.kind,
        "id": held.id,
        "reason": held.reason,
        "deal_id": held.deal_id,
        "campaign_id": held.campaign_id,
        "currency": held.currency,
        "amount": None if held.amount is None else held.amount.quantize(Decimal("0.000001")),
    }
