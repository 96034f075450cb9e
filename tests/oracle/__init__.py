"""The oracle: semantics.md as slow, exact, plain Python.

It shares nothing with the fast core but the configuration, the table of currencies and the names of the columns. Read it beside
the semantics: settled, labels, readied (§1), identity, accounts (§2, §3), journeys (§4), models (§5), money (§6), entries (§3, §7),
pipeline, costs and figures (§9).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.config import Config
from tests.oracle import accounts, costs, entries, identity, journeys, models, money, pipeline
from tests.oracle.readied import readied
from tests.oracle.settled import Event, Settled, day_of, moment, settle, zone_of

__all__ = ["Rows", "fold", "fold_settled"]

Rows = dict[str, list[dict[str, Any]]]


def fold(events: Iterable[dict[str, Any]], config: Config) -> Rows:
    """Return the books of wire events: rows per table, columns named as in `nisba.attribution.books`."""
    return fold_settled(settle(events), config)


def fold_settled(settled: Settled, config: Config) -> Rows:
    """Return the books of settled facts, as the ledger holds them."""
    settled = readied(settled, config)
    books: Rows = {name: [] for name in ("deal", "deal_history", "journey_touch", "entry", "credit_line", "pipeline_credit")}
    who = identity.resolve(settled)
    rate = money.rates(settled, config)
    adjustments = entries.adjustments_of(settled)
    described = accounts.accounts(settled, who)
    held = []
    for deal in entries.deals(settled):
        made, refused = entries.entries(deal, adjustments.pop(deal.id, []), rate, config)
        totals, reasons = entries.reporting_totals(made, rate, config)
        held += [*refused, *entries.held_deal(deal, reasons)]
        by_name = _journeys(settled, who, deal, config)
        reporting = entries.amount_reporting(deal, made, rate, config)
        books["deal"].append(_deal_row(deal, who, described, by_name["default"], reporting, config))
        _add_deal(books, who, deal, by_name, made, totals, config)
        books["pipeline_credit"] += pipeline.pipeline_credit(deal, by_name, rate, config)
    for without_deal in adjustments.values():
        held += entries.entries(None, without_deal, rate, config)[1]
    books["account"] = accounts.account_rows(described)
    books["cost_daily"], held_spends = costs.cost_daily(settled, rate, config)
    books["identity"] = list(who.rows())
    books["held"] = [entries.held_row(row) for row in [*held, *held_spends]]
    return books


def _journeys(settled: Settled, who: identity.Identity, deal: entries.Deal, config: Config) -> dict[str, journeys.Journey]:
    """Return the journeys of a deal by name: the default one, and those of custom models with values of their own."""
    by_name = {"default": journeys.journey(settled, who, deal.current, journeys.Spec.of(config.attribution))}
    for model in models.models(config):
        if model.journey not in by_name and model.spec is not None:
            by_name[model.journey] = journeys.journey(settled, who, deal.current, model.spec)
    return by_name


def _add_deal(
    books: Rows,
    who: identity.Identity,
    deal: entries.Deal,
    by_name: dict[str, journeys.Journey],
    made: list[entries.Entry],
    totals: entries.Totals,
    config: Config,
) -> None:
    books["deal_history"] += [_state_row(deal, number, state) for number, state in enumerate(deal.states, start=1)]
    for name, journey in by_name.items():
        books["journey_touch"] += _journey_rows(name, deal, journey, who, config)
    books["entry"] += [_entry_row(deal, entry, before, after, config) for entry, (before, after) in zip(made, totals, strict=True)]
    for model in models.models(config):
        books["credit_line"] += _credit_rows(model, deal, by_name[model.journey], made, totals, config)


def _instant(time: int | None) -> Any:
    return None if time is None else moment(time)


def _units(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.001"))


def _deal_row(
    deal: entries.Deal,
    who: identity.Identity,
    described: dict[str, Event],
    journey: journeys.Journey,
    reporting: int | None,
    config: Config,
) -> dict[str, Any]:
    state, zone, worth = deal.current, zone_of(config), deal.money()
    account_id = who.account(state.get("account_id"))
    opened_at, closed_at = state.get("opened_at"), state.get("closed_at")
    plain = ("name", "status", "stage", "deal_type", "owner", "segment", "region", "product", "lead_source", "loss_reason", "next_step")
    row = {
        "deal_id": deal.id,
        "account_id": account_id,
        "amount": None if worth is None else money.in_units(*worth),
        "currency": None if worth is None else worth[1],
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
    if account_id in described:
        row |= {name: described[account_id].get(name) for name in ("segment", "region") if row[name] is None}
    return row


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
    totals: entries.Totals,
    config: Config,
) -> list[dict[str, Any]]:
    """Return the credits of a model: of every touch with a weight, or one unattributed row per entry (ordinal 0)."""
    shares = models.weights(model, journey) if journey.touches else [Fraction(1)]
    first = 1 if journey.touches else 0
    rows = []
    for entry, (before, after) in zip(made, totals, strict=True):
        own = _credits(entry.before, entry.cum, shares)
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
