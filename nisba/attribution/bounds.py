"""What no fact may be, whoever let it in: the bounds of instants, days, counts and rates, and the words that are reserved.

The door asks the same of events and refuses them; a ledger may hold facts that an earlier version of it accepted. What counts as null
for the door is null in the books, what it refuses counts for nothing there, and money that is left out so is held (semantics: "Facts").
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.columns import Bools, combine, text
from nisba.attribution.dates import DAY_US
from nisba.attribution.facts import TEXT, Facts
from nisba.attribution.held import held_adjustments, held_rows
from nisba.attribution.labels import is_no_campaign, is_reserved, normalised
from nisba.attribution.registers import register_ids, winners

__all__ = [
    "COUNT_LIMIT",
    "END_DAY",
    "FAR_IS_NONE",
    "FIRST_DAY",
    "RATE_LIMIT",
    "SPEND_DAYS",
    "admitted",
    "is_outside",
    "is_refused",
    "left_out",
    "without_far",
]

FIRST_DAY, END_DAY = dt.date(1970, 1, 1), dt.date(2200, 1, 1)
"""Instants and dates lie on the first day or after it, and before the other."""
SPEND_DAYS = 3_660
"""The most days that one spend covers."""
COUNT_LIMIT = 10**15
"""Impressions, clicks and leads are below it."""
RATE_LIMIT = 10**12
"""A rate is at most this, and at least one over it."""

FAR_IS_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"deal": ("closed_at", "closed_on"), "identity": ("since", "until"), "campaign": ("starts_on", "ends_on")}
)
"""Dates that count as null where they are outside, by fact type; those of a deal while it is open: its expected close."""

_DATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "spend": ("starts_on", "ends_on"),
        "deal": ("opened_at", "opened_on", "closed_at", "closed_on"),
        "adjustment": ("effective_at", "effective_on"),
        "fx": ("date",),
    }
)
_END = (END_DAY - FIRST_DAY).days
_SHORT = 12
"""A plain decimal of so many characters at most is a rate within the bounds, or none above zero."""


def is_outside(column: Any) -> Bools:
    """Tell which dates or instants of a column are before FIRST_DAY, or END_DAY and later; a null is not."""
    array = combine(column)
    kind, size = (pa.int32(), 1) if pa.types.is_date(array.type) else (pa.int64(), DAY_US)
    values = array.cast(kind)
    found = pc.min_max(values).as_py()
    if found["min"] is None or (found["min"] >= 0 and found["max"] < _END * size):
        return np.zeros(len(array), dtype=bool)
    return _mask(pc.or_(pc.less(values, 0), pc.greater_equal(values, _END * size)))


def without_far(fact_type: str, table: Any) -> Any:
    """Return a table of facts in which the dates of `FAR_IS_NONE` that are outside are null."""
    for name in FAR_IS_NONE.get(fact_type, ()):
        far = is_outside(table[name])
        if far.any() and fact_type == "deal":
            far &= _mask(pc.equal(text(table["status"]), "open"))
        if far.any():
            nulled = pc.if_else(pa.array(far), pa.scalar(None, table[name].type), combine(table[name]))
            table = table.set_column(table.column_names.index(name), name, nulled)
    return table


def is_refused(fact_type: str, table: Any) -> Bools:
    """Tell which facts the door would refuse today; far dates that count as null are null already (`without_far`)."""
    refused = is_outside(table["occurred_at"])
    for name in _DATES.get(fact_type, ()):
        refused = refused | is_outside(table[name])
    asked = _REFUSED.get(fact_type)
    return refused if asked is None else refused | asked(table)


def admitted(fact_type: str, table: Any) -> Any:
    """Return the facts of a table that the door would accept today, far dates as null."""
    table = without_far(fact_type, table)
    refused = is_refused(fact_type, table)
    return table.filter(pa.array(~refused)) if refused.any() else table


def left_out(facts: Facts) -> Any:
    """Return the held rows of what would count if it were within the bounds: deals, adjustments and spends.

    `facts` are as the ledger has them. Of a deal that is deleted nothing is held.
    """
    deal = _refused_winners("deal", facts.deal)
    deal = deal.filter(pa.array(~_mask(combine(deal["deleted"]))))
    adjustment, spend = _refused_winners("adjustment", facts.adjustment), _refused_winners("spend", facts.spend)
    money = {"currency": deal["currency"], "amount": deal["amount"]}
    spent = {name: spend[name] for name in ("campaign_id", "currency", "amount")}
    return pa.concat_tables(
        [
            held_rows("deal", deal["deal_id"], _reasons(deal), deal_id=deal["deal_id"], **money),
            held_adjustments(adjustment, _reasons(adjustment)),
            held_rows("spend", register_ids("spend", spend), _reasons(spend), **spent),
        ]
    )


def _refused_winners(fact_type: str, table: Any) -> Any:
    """Return the refused facts that are the highest events of their registers."""
    table = without_far(fact_type, table)
    if not is_refused(fact_type, table).any():
        return table.slice(0, 0)
    highest = winners(fact_type, table)
    return highest.filter(pa.array(is_refused(fact_type, highest)))


def _reasons(table: Any) -> list[str]:
    return ["out_of_bounds"] * len(table)


def _mask(condition: Any) -> Bools:
    return np.asarray(combine(condition).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _any_of(column: Any, is_wrong: Callable[[str], bool]) -> Bools:
    """Tell where a text is wrong; each different one is asked once, and null is not."""
    wrong = [value for value in pc.unique(column).cast(TEXT).to_pylist() if value is not None and is_wrong(value)]
    if not wrong:  # nearly always: nothing is gathered then
        return np.zeros(len(column), dtype=bool)
    return _mask(pc.is_in(text(column), value_set=pa.array(wrong, TEXT)))


def _is_no_channel(channel: str) -> bool:
    plain = normalised(channel, "channel")
    return not plain or (is_reserved(plain) and plain != "(none)")


def _is_blank(label: str) -> bool:
    return not label.strip()


def _refused_touches(touch: Any) -> Bools:
    return _any_of(touch["channel"], _is_no_channel) | _any_of(touch["kind"], _is_blank)


def _refused_campaigns(campaign: Any) -> Bools:
    named = _any_of(campaign["campaign_id"], is_no_campaign) | _any_of(campaign["same_as"], is_no_campaign)
    return named | _any_of(campaign["channel"], _is_no_channel)


def _refused_spends(spend: Any) -> Bools:
    first, last = (combine(spend[name]).cast(pa.int32()) for name in ("starts_on", "ends_on"))
    days = pc.add(pc.subtract(last.cast(pa.int64()), first.cast(pa.int64())), 1)
    refused = _any_of(spend["campaign_id"], is_no_campaign) | _mask(pc.or_(pc.greater(days, SPEND_DAYS), pc.less(days, 1)))
    for name in ("impressions", "clicks", "leads"):
        refused |= _mask(pc.greater_equal(combine(spend[name]), COUNT_LIMIT))
    return refused


def _refused_deals(deal: Any) -> Bools:
    return _any_of(deal["stage"], _is_blank)


def _refused_links(link: Any) -> Bools:
    """Windows that are empty, or of other links than a person's or a lead's with an account; an unlink has none."""
    since, until = combine(link["since"]), combine(link["until"])
    windowed = _mask(pc.or_(since.is_valid(), until.is_valid())) & _mask(pc.equal(text(link["op"]), "link"))
    if not windowed.any():
        return windowed
    accounts = [_mask(pc.equal(text(link[f"{side}_kind"]), "account")) for side in ("left", "right")]
    people = [_any_of(link[f"{side}_kind"], lambda kind: kind in ("person", "lead")) for side in ("left", "right")]
    is_membership = (accounts[0] & people[1]) | (accounts[1] & people[0])
    return np.asarray(windowed & (~is_membership | _mask(pc.less_equal(until, since))), dtype=bool)


def _refused_rates(fx: Any) -> Bools:
    return _any_of(fx["rate"], _is_no_rate)


def _is_no_rate(rate: str) -> bool:
    return len(rate) > _SHORT and not 1 <= Decimal(rate) * RATE_LIMIT <= RATE_LIMIT**2


_REFUSED: Mapping[str, Callable[[Any], Bools]] = MappingProxyType(
    {
        "touch": _refused_touches,
        "campaign": _refused_campaigns,
        "spend": _refused_spends,
        "deal": _refused_deals,
        "identity": _refused_links,
        "fx": _refused_rates,
    }
)
"""What is asked of the facts of a type beyond their dates."""
