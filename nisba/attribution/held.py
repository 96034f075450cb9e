"""Held money: in no figure, with the reason in a word and in a sentence (semantics: "Money", "Entries")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.books import BOOK_SCHEMAS, HELD_MONEY
from nisba.attribution.columns import combine, text
from nisba.attribution.facts import TEXT
from nisba.attribution.fx import RATE_DAYS
from nisba.attribution.registers import winners

__all__ = ["SENTENCES", "held_adjustments", "held_rows", "over_refunds", "unknown_deals"]

_OUT_OF_BOUNDS = "an earlier version accepted it, and it is out of the bounds of events now: send the event again, mended"

SENTENCES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("deal", "fx_missing"): f"no rate into the reporting currency on the day of a booking or the {RATE_DAYS} days before it",
        ("deal", "no_amount"): "it is won and nobody entered an amount",
        ("deal", "out_of_range"): "a running total, its own or the converted one, is 10^15 or more",
        ("deal", "out_of_bounds"): _OUT_OF_BOUNDS,
        ("adjustment", "out_of_bounds"): _OUT_OF_BOUNDS,
        ("spend", "out_of_bounds"): _OUT_OF_BOUNDS,
        ("adjustment", "unknown_deal"): "no deal with this id exists, or it is deleted",
        ("adjustment", "not_won"): "the deal is not won now",
        ("adjustment", "no_amount"): "the deal is won without an amount",
        ("adjustment", "fx_missing"): f"no rate into the deal's currency on its day or the {RATE_DAYS} days before it",
        ("adjustment", "out_of_range"): "in the deal's currency it is 10^15 or more",
        ("adjustment", "over_refund"): "so much more was given back than the deal brought in",
        ("spend", "fx_missing"): f"no rate into the reporting currency on a day of the range or the {RATE_DAYS} days before it",
        ("spend", "out_of_range"): "the campaign's costs, their signs aside, add up to 10^15 or more",
    }
)
"""What each reason means, by what is held: all the reasons that there are."""


def held_rows(
    kind: str, ids: Any, reasons: Sequence[str], *, currency: Any, amount: Any, deal_id: Any = None, campaign_id: Any = None
) -> Any:
    """Return rows of `BOOK_SCHEMAS["held"]`, one per reason; the other arguments are columns of that length, None for no value."""
    nothing = pa.nulls(len(reasons), TEXT)
    columns = [
        pa.array([kind] * len(reasons), TEXT),
        text(ids),
        pa.array(reasons, TEXT),
        nothing if deal_id is None else text(deal_id),
        nothing if campaign_id is None else text(campaign_id),
        text(currency),
        combine(amount).cast(HELD_MONEY),
        pa.array([SENTENCES[kind, reason] for reason in reasons], TEXT),
    ]
    return pa.table(columns, schema=BOOK_SCHEMAS["held"])


def held_adjustments(adjustments: Any, reasons: Sequence[str]) -> Any:
    """Return one held row for each adjustment, with its reason."""
    columns = {name: adjustments[name] for name in ("deal_id", "currency", "amount")}
    return held_rows("adjustment", adjustments["adjustment_id"], reasons, **columns)


def over_refunds(adjustments: Any, missing: Sequence[tuple[str, Decimal]]) -> Any:
    """Return one held row for each adjustment, with what its deal is below zero: (currency, amount)."""
    currency, amount = pa.array([code for code, _ in missing], TEXT), pa.array([amount for _, amount in missing], HELD_MONEY)
    reasons = ["over_refund"] * len(missing)
    return held_rows("adjustment", adjustments["adjustment_id"], reasons, deal_id=adjustments["deal_id"], currency=currency, amount=amount)


def unknown_deals(adjustments: Any, deal_ids: Any) -> Any:
    """Return the held rows of the adjustments whose winning event names a deal that is not among the ids.

    `adjustments` has the columns of `ledger_schema("adjustment")`; `deal_ids` is a text column of the deals that exist and are not deleted.
    """
    latest = winners("adjustment", adjustments)
    known = pc.is_in(text(latest["deal_id"]), value_set=text(deal_ids))
    unknown = latest.filter(pc.invert(known))
    return held_adjustments(unknown, ["unknown_deal"] * len(unknown))
