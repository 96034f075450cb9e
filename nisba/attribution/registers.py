"""Registers: of all events about one thing, the highest in register order counts (semantics: "Facts").

What makes events one register, and what decides between them, is declared here for every type of fact, once. `source` and `id` decide
last, whatever the type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.columns import Ints, Vocabulary, combine, days, encode, instants, integers, text, total_order

__all__ = ["REGISTERS", "Ordered", "Register", "in_register_order", "register_ids", "winners"]

SortKey = Callable[[Any], Ints]
"""A table of facts → what to compare of each event; the higher wins."""


def _revision(facts: Any) -> Ints:
    return integers(facts["revision"])[0]


def _time(facts: Any) -> Ints:
    return instants(facts["occurred_at"])[0]


_RANKS = {"open": 0, "lost": 1, "won": 2}
_DELETED = 3


def _rank(facts: Any) -> Ints:
    """Return how far each state of a deal is: of one instant, what is further counts."""
    codes, statuses = encode(facts["status"])
    rank = np.array([_RANKS[status] for status in statuses.to_pylist()] or [0])[codes]
    deleted = np.asarray(combine(facts["deleted"]).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    return np.where(deleted, _DELETED, rank)


@dataclass(frozen=True)
class Register:
    """Which columns name the register that an event is about, and what decides between its events before (source, id)."""

    keys: tuple[str, ...]
    order: tuple[SortKey, ...] = (_time,)
    is_pair: bool = False
    """The halves of the keys may change places."""
    own: tuple[str, ...] = ()
    """Columns that name the register instead of the keys where the last of them is not null."""


REGISTERS: Mapping[str, Register] = MappingProxyType(
    {
        "campaign": Register(("campaign_id",)),
        "spend": Register(("source", "campaign_id", "starts_on", "ends_on"), (_revision, _time), own=("source", "spend_id")),
        "account": Register(("account_id",), (_revision, _time)),
        "deal": Register(("deal_id",), (_revision, _time, _rank)),
        "adjustment": Register(("adjustment_id",)),
        "identity": Register(("left_kind", "left_id", "right_kind", "right_id"), is_pair=True),
        "fx": Register(("base", "quote", "date")),
    }
)
"""The registers by fact type; every event of another type stands for itself."""


@dataclass(frozen=True)
class Ordered:
    """Events by register (ascending by its keys, text as bytes), those of one register in register order."""

    rows: Ints
    """Their rows in the table."""
    last: Ints
    """The place in `rows` of each register's highest event."""

    @property
    def register(self) -> Ints:
        """The register of each of `rows`: 0, 1, …"""
        return np.repeat(np.arange(len(self.last)), np.diff(self.last, prepend=-1))


def in_register_order(fact_type: str, facts: Any) -> Ordered:
    """Put a table of facts, of the columns of `ledger_schema`, in register order; raises KeyError for a type without registers."""
    register = REGISTERS[fact_type]
    keys = _pair(register, facts) if register.is_pair else _named(register, facts)
    rows = total_order([*keys, *(key(facts) for key in register.order)], facts["source"], facts["event_id"])
    return Ordered(rows, _last_of_runs([key[rows] for key in keys]))


def winners(fact_type: str, facts: Any) -> Any:
    """Keep the highest event of each register: the same columns, one row per register, ascending by its keys."""
    ordered = in_register_order(fact_type, facts)
    rows = pa.array(ordered.rows[ordered.last])
    return pa.table([combine(column).take(rows) for column in facts.columns], names=facts.column_names)


def register_ids(fact_type: str, facts: Any) -> Any:
    """Return the name of the register of each event, as text: what names it with | between."""
    register = REGISTERS[fact_type]
    ids = _joined(facts, register.keys)
    return pc.coalesce(_joined(facts, register.own), ids) if register.own else ids


def _joined(facts: Any, names: tuple[str, ...]) -> Any:
    """Return some columns as one text; null where one of them is."""
    return pc.binary_join_element_wise(*(text(facts[name]) for name in names), "|")


def _named(register: Register, facts: Any) -> list[Ints]:
    """Return one number for each key; where the event has a name of its own, only that tells registers apart."""
    if not register.own:
        return [_codes(facts[name]) for name in register.keys]
    own = {name: _codes(facts[name]) for name in register.own}
    has_own = own[register.own[-1]] >= 0
    return [*(own.get(name, np.where(has_own, -1, _codes(facts[name]))) for name in register.keys), own[register.own[-1]]]


def _codes(*columns: Any) -> Ints:
    """Return a number for each value of some columns, one column after the other, that compares like the value."""
    if all(pa.types.is_date32(column.type) for column in columns):
        return np.concatenate(list(map(days, columns)))
    vocabulary = Vocabulary.of(*columns)
    return np.concatenate([vocabulary.codes(column) for column in columns])


def _pair(register: Register, facts: Any) -> list[Ints]:
    """Return one number for each half of the keys, the smaller one first."""
    half = len(register.keys) // 2
    halves = np.zeros(2 * len(facts), dtype=np.int64)
    for left, right in zip(register.keys[:half], register.keys[half:], strict=True):
        codes = _codes(facts[left], facts[right])
        halves = halves * (codes.max(initial=0) + 1) + codes
    one, other = halves[: len(facts)], halves[len(facts) :]
    return [np.minimum(one, other), np.maximum(one, other)]


def _last_of_runs(keys: list[Ints]) -> Ints:
    """Return the last place of each run of rows that are equal in all keys."""
    ends = np.ones(len(keys[0]), dtype=bool)
    ends[:-1] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(ends)
