"""The oracle: semantics.md as slow, exact, plain Python.

It shares nothing with the fast core but the configuration, the table of currencies and the names of the columns. Read it
beside the semantics: settled (§1), identity (§2), journeys (§4), models (§5), money (§6), entries (§3, §7), costs and figures (§9).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.config import Config
from tests.oracle import costs, entries, identity, journeys, models, money
from tests.oracle.settled import Event, Settled, day_of, moment, settle, zone_of

__all__ = ["Rows", "fold", "fold_settled"]

Rows = dict[str, list[dict[str, Any]]]


def fold(events: Iterable[dict[str, Any]], config: Config) -> Rows:
    """Return the books of wire events: rows per table, columns named as in `nisba.attribution.books`."""
    return fold_settled(settle(events), config)


def fold_settled(settled: Settled, config: Config) -> Rows:
    """Return the books of settled facts."""
    books: Rows = {name: [] for name in ("deal", "deal_history", "journey_touch", "entry", "credit_line")}
    who = identity.resolve(settled)
    rate = money.rates(settled, config)
    adjustments = entries.adjustments_of(settled)
    living = entries.deals(settled)
    held = []
    for deal in living:
        made, refused = entries.entries(deal, adjustments.pop(deal.id, []))
        held += [*refused, *entries.held_currencies(deal, made, rate, config)]
        _add_deal(books, settled, who, deal, made, rate, config)
    for without_deal in adjustments.values():
        held += entries.entries(None, without_deal)[1]
    books["cost_daily"], held_spends = costs.cost_daily(settled, rate, config)
    books["identity"] = list(who.rows())
    books["held"] = [entries.held_row(row) for row in [*held, *held_spends]]
    return books


def _add_deal(
    books: Rows, settled: Settled, who: identity.Identity, deal: entries.Deal, made: list[entries.Entry], rate: money.Rates, config: Config
) -> None:
    default = journeys.Spec.of(config.attribution)
    by_name = {"default": journeys.journey(settled, who, deal.current, default)}
    wanted = models.models(config)
    for model in wanted:
        if model.journey not in by_name and model.spec is not None:
            by_name[model.journey] = journeys.journey(settled, who, deal.current, model.spec)
    books["deal"].append(_deal_row(deal, who, by_name["default"], rate, config))
    books["deal_history"] += [_state_row(deal, number, state) for number, state in enumerate(deal.states, start=1)]
    for name, journey in by_name.items():
        books["journey_touch"] += _journey_rows(name, deal, journey, who, config)
    amounts = _reporting_totals(deal, made, rate, config)
    books["entry"] += [_entry_row(deal, entry, before, after, config) for entry, (before, after) in zip(made, amounts, strict=True)]
    for model in wanted:
        books["credit_line"] += _credit_rows(model, deal, by_name[model.journey], made, amounts, config)


def _instant(time: int | None) -> Any:
    return None if time is None else moment(time)


def _units(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.001"))


def _deal_row(deal: entries.Deal, who: identity.Identity, journey: journeys.Journey, rate: money.Rates, config: Config) -> dict[str, Any]:
    state, zone = deal.current, zone_of(config)
    opened_at, closed_at = state.get("opened_at"), state.get("closed_at")
    reporting = None
    if state.get("amount") is not None:
        currency = state.get("currency")
        exact = money.minor(state.get("amount"), currency)
        reporting = entries.converted(exact, currency, entries.rate_of(deal, currency, rate, config), config)
    plain = ("status", "stage", "currency", "deal_type", "owner", "segment", "region", "product", "lead_source", "loss_reason", "next_step")
    return {
        "deal_id": deal.id,
        "account_id": who.account(state.get("account_id")),
        "amount": _units(state.get("amount")),
        "amount_reporting": None if reporting is None else money.in_units(reporting, config.reporting.currency),
        "opened_at": moment(opened_at),
        "opened_on": day_of(opened_at, zone),
        "closed_at": _instant(closed_at),
        "closed_on": None if closed_at is None else day_of(closed_at, zone),
        "changed_at": moment(state.time),
        "lead_created_at": _instant(journey.lead_created_at),
        "revision": state.get("revision") or 0,
        "list_amount": _units(state.get("list_amount")),
        **{name: state.get(name) for name in plain},
    }


def _state_row(deal: entries.Deal, number: int, state: Event) -> dict[str, Any]:
    plain = ("account_id", "stage", "status", "currency", "owner", "next_step", "loss_reason")
    return {
        "deal_id": deal.id,
        "state_no": number,
        "revision": state.get("revision") or 0,
        "changed_at": moment(state.time),
        "source": state.source,
        "event_id": state.id,
        "amount": _units(state.get("amount")),
        "opened_at": moment(state.get("opened_at")),
        "closed_at": _instant(state.get("closed_at")),
        "list_amount": _units(state.get("list_amount")),
        **{name: state.get(name) for name in plain},
    }


def _journey_rows(name: str, deal: entries.Deal, journey: journeys.Journey, who: identity.Identity, config: Config) -> list[dict[str, Any]]:
    return [
        {
            "journey": name,
            "deal_id": deal.id,
            "ordinal": i + 1,
            "journey_length": len(journey.touches),
            "touch_source": touch.source,
            "touch_id": touch.id,
            "touched_at": moment(touch.time),
            "touched_on": day_of(touch.time, zone_of(config)),
            "position": journey.position(i),
            "actor": who.actor(touch),
            **{field: touch.get(field) for field in ("campaign_id", "channel", "kind", "team")},
        }
        for i, touch in enumerate(journey.touches)
    ]


def _reporting_totals(
    deal: entries.Deal, made: list[entries.Entry], rate: money.Rates, config: Config
) -> list[tuple[int | None, int | None]]:
    """Return each entry's running total in the reporting currency, before and after it; None while it is held."""
    held = {row.currency for row in entries.held_currencies(deal, made, rate, config)}
    totals = []
    for entry in made:
        the_rate = None if entry.currency in held else entries.rate_of(deal, entry.currency, rate, config)
        before, after = (entries.converted(cum, entry.currency, the_rate, config) for cum in (entry.cum - entry.amount, entry.cum))
        totals.append((before, after))
    return totals


def _difference(before: int | None, after: int | None, config: Config) -> Decimal | None:
    return None if before is None or after is None else money.in_units(after - before, config.reporting.currency)


def _entry_row(deal: entries.Deal, entry: entries.Entry, before: int | None, after: int | None, config: Config) -> dict[str, Any]:
    return {
        "deal_id": deal.id,
        "entry_no": entry.number,
        "entry": entry.entry,
        "booked_at": _instant(entry.booked_at),
        "booked_on": None if entry.booked_at is None else day_of(entry.booked_at, zone_of(config)),
        "is_final": entry.is_final,
        "currency": entry.currency,
        "amount": money.in_units(entry.amount, entry.currency),
        "amount_reporting": _difference(before, after, config),
        "source": entry.made_by.source,
        "event_id": entry.made_by.id,
    }


def _credit_rows(
    model: models.Model,
    deal: entries.Deal,
    journey: journeys.Journey,
    made: list[entries.Entry],
    totals: list[tuple[int | None, int | None]],
    config: Config,
) -> list[dict[str, Any]]:
    """Return the credits of a model: of every touch with a weight, or one unattributed row per entry (ordinal 0)."""
    shares = models.weights(model, journey) if journey.touches else [Fraction(1)]
    first = 1 if journey.touches else 0
    rows = []
    for entry, (before, after) in zip(made, totals, strict=True):
        own = _credits(entry.cum - entry.amount, entry.cum, shares)
        reporting = None if before is None or after is None else _credits(before, after, shares)
        for i, weight in enumerate(shares):
            if weight != 0:
                row = {"model": model.id, "journey": model.journey, "deal_id": deal.id, "ordinal": first + i, "entry_no": entry.number}
                row["weight"] = Decimal(money.half_even(weight * 10**12)).scaleb(-12)
                row["revenue"] = money.in_units(own[i], entry.currency)
                row["revenue_reporting"] = None if reporting is None else money.in_units(reporting[i], config.reporting.currency)
                rows.append(row)
    return rows


def _credits(before: int, after: int, shares: list[Fraction]) -> list[int]:
    """Return the difference of two splits: of the running totals after and before an entry (§6)."""
    return [new - old for new, old in zip(money.split(after, shares), money.split(before, shares), strict=True)]
