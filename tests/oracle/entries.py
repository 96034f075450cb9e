"""The dated books of a deal (semantics §3, §6, §7): spells, currency runs, entries, adjustments, held money."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.money import Rates, half_even, in_units, minor
from tests.oracle.settled import Event, Settled, day_of, register_order, zone_of

__all__ = ["Deal", "Entry", "Held", "converted", "deals", "entries", "rate_of"]

LARGEST = 10**15
"""A converted running total of this size, in whole units, holds its deal."""


@dataclass(frozen=True)
class Deal:
    """A deal that is not deleted: all its states in register order."""

    id: str
    states: list[Event]

    @property
    def current(self) -> Event:
        """Return the current state."""
        return self.states[-1]


@dataclass
class Entry:
    """A dated entry; money in minor units of its currency."""

    entry: str
    currency: str
    amount: int
    booked_at: int | None
    made_by: Event
    number: int = 0
    cum: int = 0  # running total of its currency, this entry included

    @property
    def is_final(self) -> bool:
        """Tell whether the entry counts as revenue."""
        return self.entry != "pending"


@dataclass(frozen=True)
class Held:
    """Money that is in no figure, and why; the amount in minor units, None for whole deals."""

    kind: str
    id: str
    reason: str
    currency: str
    amount: int | None
    deal_id: str | None = None
    campaign_id: str | None = None


def deals(settled: Settled) -> list[Deal]:
    """Return the deals whose current state is not deleted."""
    states: dict[str, list[Event]] = {}
    for state in settled.of("deal"):
        states.setdefault(state.get("deal_id"), []).append(state)
    ordered = [Deal(deal_id, sorted(of_deal, key=register_order)) for deal_id, of_deal in states.items()]
    return [deal for deal in ordered if not deal.current.get("deleted")]


def _amount(state: Event) -> int:
    return minor(state.get("amount"), state.get("currency"))


def _spells(states: list[Event]) -> list[tuple[list[list[Event]], Event | None]]:
    """Return the won spells, each as its currency runs, with the state that ended it (None: the deal is won now)."""
    spells: list[tuple[list[list[Event]], Event | None]] = []
    runs: list[list[Event]] = []
    for state in states:
        if state.get("status") == "won":
            if runs and runs[-1][-1].get("currency") == state.get("currency"):
                runs[-1].append(state)
            else:
                runs.append([state])
        elif runs:
            spells.append((runs, state))
            runs = []
    return [*spells, (runs, None)] if runs else spells


def _of_states(deal: Deal) -> list[Entry]:
    """Return the entries that the states make, in register order; a reversal before what replaces it."""
    made: list[Entry] = []
    for spell_no, (runs, ended_by) in enumerate(_spells(deal.states)):
        for run_no, run in enumerate(runs):
            first = run[0]
            booked_at = run[-1].get("closed_at") if run_no == 0 else first.time
            kind = "booking" if (spell_no, run_no) == (0, 0) else "rebooking"
            made.append(Entry(kind, first.get("currency"), _amount(first), booked_at, first))
            for before, state in pairwise(run):
                if _amount(state) != _amount(before):
                    made.append(Entry("amendment", first.get("currency"), _amount(state) - _amount(before), state.time, state))
            end = runs[run_no + 1][0] if run_no + 1 < len(runs) else ended_by
            if end is not None:
                made.append(Entry("reversal", first.get("currency"), -_amount(run[-1]), end.time, end))
    current = deal.current
    if current.get("status") == "open" and current.get("amount") is not None:
        made.append(Entry("pending", current.get("currency"), _amount(current), None, current))
    return made


def adjustments_of(settled: Settled) -> dict[str, list[Event]]:
    """Return the winning adjustments by the deal they name, in the order in which they are tried."""
    by_deal: dict[str, list[Event]] = {}
    for event in settled.register("adjustment", lambda event: event.get("adjustment_id")).values():
        by_deal.setdefault(event.get("deal_id"), []).append(event)
    return {id_: sorted(found, key=lambda e: (e.get("effective_at"), e.get("adjustment_id"))) for id_, found in by_deal.items()}


def _refusal(deal: Deal | None, adjustment: Event, net: int) -> str | None:
    """Return why an adjustment is held, None when it applies."""
    if deal is None:
        return "unknown_deal"
    if deal.current.get("status") != "won":
        return "not_won"
    if adjustment.get("currency") != deal.current.get("currency"):
        return "currency_mismatch"
    return "over_refund" if net + _amount(adjustment) < 0 else None


def entries(deal: Deal | None, adjustments: list[Event]) -> tuple[list[Entry], list[Held]]:
    """Return the numbered entries of a deal, and its held adjustments; a deal that is None is unknown or deleted."""
    made = _of_states(deal) if deal is not None else []
    held = []
    net = _amount(deal.current) if deal is not None and deal.current.get("status") == "won" else 0
    for event in adjustments:
        currency, amount = event.get("currency"), _amount(event)
        reason = _refusal(deal, event, net)
        if reason is None:
            net += amount
            made.append(Entry("adjustment", currency, amount, event.get("effective_at"), event))
        else:
            held.append(Held("adjustment", event.get("adjustment_id"), reason, currency, amount, deal_id=event.get("deal_id")))
    cum: dict[str, int] = {}
    for number, entry in enumerate(made, start=1):
        cum[entry.currency] = cum.get(entry.currency, 0) + entry.amount
        entry.number, entry.cum = number, cum[entry.currency]
    return made, held


def rate_of(deal: Deal, currency: str, rate: Rates, config: Config) -> Fraction | None:
    """Return the deal's rate from a currency: of the date of its close, or of an open deal's current state."""
    state = deal.current
    time = state.time if state.get("status") == "open" else state.get("closed_at")
    return rate(currency, day_of(time, zone_of(config)))


def converted(cum: int, currency: str, rate: Fraction | None, config: Config) -> int | None:
    """Return a running total in minor units of the reporting currency; None when it has no rate or is out of range."""
    if rate is None:
        return None
    reporting = config.reporting.currency
    result = half_even(Fraction(cum, 10 ** minor_digits(currency)) * rate * 10 ** minor_digits(reporting))
    return None if abs(result) >= LARGEST * 10 ** minor_digits(reporting) else result


def held_currencies(deal: Deal, made: list[Entry], rate: Rates, config: Config) -> list[Held]:
    """Return one row per currency of the deal's entries that cannot be converted."""
    held = []
    for currency in sorted({entry.currency for entry in made}):
        of_currency = [entry for entry in made if entry.currency == currency]
        the_rate = rate_of(deal, currency, rate, config)
        if the_rate is None:
            held.append(Held("deal", deal.id, "fx_missing", currency, of_currency[-1].cum, deal_id=deal.id))
        elif any(converted(entry.cum, currency, the_rate, config) is None for entry in of_currency):
            held.append(Held("deal", deal.id, "out_of_range", currency, of_currency[-1].cum, deal_id=deal.id))
    return held


def held_row(held: Held) -> dict[str, object]:
    """Return a row of `ops.held`; its `detail` is prose and not compared."""
    return {
        "kind": held.kind,
        "id": held.id,
        "reason": held.reason,
        "deal_id": held.deal_id,
        "campaign_id": held.campaign_id,
        "currency": held.currency,
        "amount": None if held.amount is None else in_units(held.amount, held.currency),
    }
