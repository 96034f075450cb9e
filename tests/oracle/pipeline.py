"""Pipeline created (semantics §9): what each deal was worth at first, and whose touches until its opening made it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.config import Config
from tests.oracle.entries import Deal, first_amount
from tests.oracle.journeys import Journey, at_creation, opened
from tests.oracle.models import Model, models, weights
from tests.oracle.money import Rates, converted, half_even, in_units, split
from tests.oracle.settled import Event, day_of, moment, zone_of

__all__ = ["pipeline_credit"]

OF_TOUCH = ("ordinal", "touch_source", "touch_id", "campaign_id", "team", "touched_at", "position")
NOBODY = dict.fromkeys(OF_TOUCH) | {"channel": "unattributed"}


def pipeline_credit(deal: Deal, by_name: dict[str, Journey], rate: Rates, config: Config) -> list[dict[str, Any]]:
    """Return the rows of a deal: none where no state has an amount."""
    money = first_amount(deal)
    if money is None:
        return []
    amount, currency = money
    created_on = day_of(opened(deal.current), zone_of(config))
    the_rate = rate(currency, config.reporting.currency, created_on)
    reporting = None if the_rate is None else converted(amount, currency, config.reporting.currency, the_rate)
    usual = {"deal_id": deal.id, "created_on": created_on, "currency": currency}
    return [
        {"model": model.id, **usual, **row}
        for model in models(config)
        for row in _of_model(model, at_creation(by_name[model.journey], deal.current), (amount, currency), reporting, config)
    ]


def _of_model(model: Model, journey: Journey, money: tuple[int, str], reporting: int | None, config: Config) -> list[dict[str, Any]]:
    shares = weights(model, journey) if journey.touches else [Fraction(1)]
    own = split(money[0], shares)
    converted_shares = None if reporting is None else split(reporting, shares)
    return [
        {
            **(_touch(journey, i) if journey.touches else NOBODY),
            "weight": Decimal(half_even(weight * 10**12)).scaleb(-12),
            "amount": in_units(own[i], money[1]),
            "amount_reporting": None if converted_shares is None else in_units(converted_shares[i], config.reporting.currency),
        }
        for i, weight in enumerate(shares)
        if weight != 0
    ]


def _touch(journey: Journey, i: int) -> dict[str, Any]:
    touch: Event = journey.touches[i]
    return {
        "ordinal": i + 1,
        "touch_source": touch.source,
        "touch_id": touch.id,
        "touched_at": moment(touch.time),
        "position": journey.position(i),
        **{name: touch.get(name) for name in ("campaign_id", "channel", "team")},
    }
