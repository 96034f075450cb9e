"""Deals: their states in register order, and the adjustments that name them (semantics: "Facts", "Deals")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.columns import Ints, Vocabulary, combine, instants, integers, text, total_order
from nisba.attribution.facts import ledger_schema

__all__ = ["LivingDeals", "living_deals", "unknown_deals", "winning_adjustments"]


@dataclass(frozen=True)
class LivingDeals:
    """Deals whose current state is not deleted, in order of their ids."""

    ids: Vocabulary
    states: Any
    """All their states, by deal and register order: the columns of `ledger_schema("deal")`."""
    deal: Ints
    """The deal of each state, its place in `ids`."""
    current: Ints
    """The row of each deal's current state."""


def living_deals(deal: Any) -> LivingDeals:
    """Put the states of all deals in register order and leave out deals that are deleted now."""
    vocabulary = Vocabulary.of(deal["deal_id"])
    code = vocabulary.codes(deal["deal_id"])
    revision, changed_at = integers(deal["revision"])[0], instants(deal["occurred_at"])[0]
    order = total_order([code, revision, changed_at], deal["source"], deal["event_id"])
    last = _last_of_runs(code[order])
    deleted = np.asarray(combine(deal["deleted"]).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    lives = ~deleted[order[last]]
    order = order[lives[code[order]]]
    dense = (np.cumsum(lives) - 1)[code[order]]
    names = ledger_schema("deal", provenance=False).names
    states = pa.table({name: combine(deal[name]).take(pa.array(order)) for name in names})
    ids = Vocabulary(vocabulary.values.filter(pa.array(lives)))
    return LivingDeals(ids, states, dense, _last_of_runs(dense))


def _last_of_runs(sorted_codes: Ints) -> Ints:
    """Return the last row of each run of equal codes."""
    return np.flatnonzero(np.append(sorted_codes[1:] != sorted_codes[:-1], True)) if len(sorted_codes) else sorted_codes


def winning_adjustments(adjustment: Any) -> Any:
    """Keep the highest event of each adjustment in register order, sorted by (effective_at, adjustment_id)."""
    vocabulary = Vocabulary.of(adjustment["adjustment_id"])
    code = vocabulary.codes(adjustment["adjustment_id"])
    order = total_order([code, instants(adjustment["occurred_at"])[0]], adjustment["source"], adjustment["event_id"])
    rows = order[_last_of_runs(code[order])]
    rows = rows[np.argsort(instants(adjustment["effective_at"])[0][rows], kind="stable")]  # rows are in order of their ids
    names = ledger_schema("adjustment", provenance=False).names
    return pa.table({name: combine(adjustment[name]).take(pa.array(rows)) for name in names})


def unknown_deals(facts: Any) -> Any:
    """Return the held rows (`BOOK_SCHEMAS["held"]`) of adjustments whose deal is unknown or deleted.

    `facts` is a `Facts`; its deals and adjustments are read.
    """
    winners = winning_adjustments(facts.adjustment)
    known = pc.is_in(text(winners["deal_id"]), value_set=living_deals(facts.deal).ids.values)
    unknown = winners.filter(pc.invert(known))
    return held_adjustments(unknown, ["unknown_deal"] * len(unknown))


def held_adjustments(adjustments: Any, reasons: list[str]) -> Any:
    """Return one held row for each adjustment, with its reason."""
    nothing = pa.nulls(len(adjustments), pa.string())
    columns = [
        pa.array(["adjustment"] * len(adjustments), pa.string()),
        text(adjustments["adjustment_id"]),
        pa.array(reasons, pa.string()),
        text(adjustments["deal_id"]),
        nothing,
        text(adjustments["currency"]),
        combine(adjustments["amount"]),
        pa.array([_DETAILS[reason] for reason in reasons], pa.string()),
    ]
    return pa.table(columns, schema=BOOK_SCHEMAS["held"])


_DETAILS = {
    "unknown_deal": "no deal with this id exists, or it is deleted",
    "not_won": "the deal is not won now",
    "currency_mismatch": "the deal is in another currency now",
    "over_refund": "it would take the deal's net revenue below zero",
}
