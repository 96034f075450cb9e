"""Deals: their states in register order, and the adjustments that name them (semantics: "Facts", "Deals")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.columns import Ints, Vocabulary, combine, instants, text
from nisba.attribution.facts import ledger_schema
from nisba.attribution.registers import in_register_order, winners

__all__ = ["LivingDeals", "living_deals", "winning_adjustments"]


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
    ordered = in_register_order("deal", deal)
    deleted = np.asarray(combine(deal["deleted"]).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    current = ordered.rows[ordered.last]
    lives = ~deleted[current]
    kept = lives[ordered.register]
    rows, number = pa.array(ordered.rows[kept]), (np.cumsum(lives) - 1)[ordered.register[kept]]
    names = ledger_schema("deal", provenance=False).names
    states = pa.table({name: combine(deal[name]).take(rows) for name in names})
    ids = Vocabulary(text(deal["deal_id"]).take(pa.array(current[lives])))
    return LivingDeals(ids, states, number, np.searchsorted(number, np.arange(len(ids)), side="right") - 1)


def winning_adjustments(adjustment: Any) -> Any:
    """Keep the highest event of each adjustment in register order, sorted by (effective_at, adjustment_id)."""
    latest = winners("adjustment", adjustment.select(ledger_schema("adjustment", provenance=False).names))
    return latest.take(pa.array(np.argsort(instants(latest["effective_at"])[0], kind="stable")))  # winners are in order of their ids
