"""The payload that carries a shard's deals and everything they depend on from `resolve` to `attribute_shard`.

One payload is several Arrow IPC streams, one after the other, in the order of `TABLES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from nisba.attribution.columns import Bools, Ints, combine, encode, instants, integers

__all__ = ["TABLES", "Shard", "list_column", "pack", "unpack"]

TABLES = ("deal", "state", "touch", "creation", "adjustment", "rate")
"""deal: one row per deal; state: by deal, register order; touch: by account, (time, source, id), once per account;
creation: `inquiry` and `mql` stages by account, time; adjustment: by (effective_at, adjustment_id); rate: found ones,
between minor units."""


def pack(tables: dict[str, Any]) -> bytes:
    """Write the tables of a shard, one per name of `TABLES`."""
    sink = pa.BufferOutputStream()
    for name in TABLES:
        with pa.ipc.new_stream(sink, tables[name].schema) as writer:
            writer.write_table(tables[name])
    return bytes(sink.getvalue())


def unpack(payload: bytes) -> Shard:
    """Read what `pack` wrote."""
    reader = pa.BufferReader(payload)
    return Shard(**{name: pa.ipc.open_stream(reader).read_all().combine_chunks() for name in TABLES})


@dataclass(frozen=True)
class Shard:
    """The tables of a shard, and their columns as numpy arrays."""

    deal: Any
    state: Any
    touch: Any
    creation: Any
    adjustment: Any
    rate: Any

    @property
    def deals(self) -> int:
        """Number of deals."""
        return len(self.deal)

    @cached_property
    def account(self) -> Ints:
        """Account of each deal, a number local to the shard."""
        return integers(self.deal["account"])[0]

    @cached_property
    def accounts(self) -> int:
        """Number of accounts."""
        return int(self.account.max()) + 1 if self.deals else 0

    @cached_property
    def state_deal(self) -> Ints:
        """Deal of each state."""
        return integers(self.state["deal"])[0]

    @cached_property
    def current(self) -> Ints:
        """Row of each deal's current state."""
        return np.searchsorted(self.state_deal, np.arange(self.deals), side="right") - 1

    @cached_property
    def is_won(self) -> Bools:
        """Whether each state is won."""
        return _is(self.state["status"], "won")

    @cached_property
    def is_open(self) -> Bools:
        """Whether each state is open."""
        return _is(self.state["status"], "open")

    @cached_property
    def changed_at_us(self) -> Ints:
        """Time of each state."""
        return instants(self.state["occurred_at"])[0]

    @cached_property
    def closed_at_us(self) -> tuple[Ints, Bools]:
        """Close of each state, and which have one."""
        return instants(self.state["closed_at"])

    @cached_property
    def opened_us(self) -> Ints:
        """When each deal was opened, by its current state; imports say that some were opened after their close: then at their close."""
        opened = instants(self.state["opened_at"])[0][self.current]
        closed, has_close = (column[self.current] for column in self.closed_at_us)
        early = has_close & ~self.is_open[self.current] & (closed < opened)
        return np.where(early, closed, opened)

    @cached_property
    def rates(self) -> dict[tuple[int, str, str], Fraction]:
        """The rates between minor units by (day, from, to); missing ones are absent."""
        names = ("day", "currency", "target", "numerator", "denominator")
        rows = zip(*(self.rate[name].to_pylist() for name in names), strict=True)
        return {(day, code, target): Fraction(int(over), int(under)) for day, code, target, over, under in rows}

    @cached_property
    def touched_at_us(self) -> Ints:
        """Time of each touch."""
        return instants(self.touch["occurred_at"])[0]

    def touch_codes(self, name: str) -> tuple[Ints, list[str]]:
        """Return (codes, strings) of a dictionary column of touches; -1 is null."""
        codes, values = encode(self.touch[name])
        return codes, values.to_pylist()


def _is(column: Any, value: str) -> Bools:
    codes, values = encode(column)
    table = np.append(np.array([text == value for text in values.to_pylist()], dtype=bool), False)
    return table[codes]


def list_column(column: Any) -> tuple[Ints, Ints]:
    """Return (row, value) of every item of a list column of integers."""
    array = combine(column)
    rows = np.asarray(pa.compute.list_parent_indices(array), dtype=np.int64)
    return rows, np.asarray(array.flatten(), dtype=np.int64)
