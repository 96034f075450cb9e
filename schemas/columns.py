"""From decoded events of one type to the ledger's columns: a column at a time, with a mark on the rows to look at again.

A row is marked when one of its texts is not written plainly (`schemas.kinds`) or when it seems to break a rule (`schemas.rules`). Marks
are no verdict: the decoder reads each marked row exactly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import PAYLOAD, TEXT, ledger_schema
from schemas.bounds import without_far
from schemas.canonical import LEAVE_DEFAULTS_OUT
from schemas.envelope import ENCODER
from schemas.events import BY_FACT_TYPE, Utm
from schemas.keys import digests, identity_hashes
from schemas.kinds import KINDS, Mask, fields_of_kind, optional_texts, without_empty
from schemas.rules import first_broken

__all__ = ["FactTable", "Rows", "fact_table"]

_NO_UTM = Utm()
_UTM_COLUMNS = tuple(f"utm_{name}" for name in Utm.__struct_fields__)
_HASH = blake2b(digest_size=8)


@dataclass
class Rows:
    """Events of one type: where each is in its block, and what it says."""

    places: list[int] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class FactTable:
    """The ledger's columns of some events, in their order, and what is to be said about them."""

    table: pa.Table
    unread: Mask
    """Rows with a text that was not read."""
    broken: npt.NDArray[np.int64]
    """The first rule that a row breaks, its place in `rules_of`; -1 for none."""

    @property
    def marked(self) -> Mask:
        """The rows to look at again."""
        return self.unread | (self.broken >= 0)


def fact_table(fact_type: str, rows: Rows, topic: str, partition: int, offsets: npt.NDArray[np.int64]) -> FactTable:
    """Return the ledger's columns of some events; `offsets` are those of the whole block."""
    build = _Build(fact_type, rows.events)
    sources, ids = [e.source for e in rows.events], [e.id for e in rows.events]
    columns = {"source": build.read("id", pa.array(sources, TEXT)), "event_id": build.read("id", pa.array(ids, TEXT))}
    columns["occurred_at"] = build.read("instant", pa.array([e.time for e in rows.events], TEXT))
    columns |= {name: build.payload(name, data_type) for name, data_type in PAYLOAD[fact_type]}
    columns |= without_far(fact_type, columns)
    broken = first_broken(fact_type, columns, len(rows))
    if fact_type == "spend":
        columns["ends_on"] = pc.coalesce(columns["ends_on"], columns["starts_on"])
    build.make_canonical(columns)
    columns["content_hash"] = _content_hashes(columns["occurred_at"], build.data)
    columns["topic"] = pa.repeat(pa.scalar(topic, pa.string()), len(rows))
    columns["kafka_partition"] = pa.repeat(pa.scalar(partition, pa.int32()), len(rows))
    columns["kafka_offset"] = pa.array(offsets[rows.places])
    columns["identity_hash"] = pa.array(identity_hashes(sources, ids))
    schema = ledger_schema(fact_type)
    return FactTable(pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema), build.unread, broken)


class _Build:
    """Columns of one type under construction.

    `unread` collects the rows with texts that were not read, `rewritten` the columns with texts that are not those of the wire.
    """

    def __init__(self, fact_type: str, events: Sequence[Any]) -> None:
        self.fact_type = fact_type
        self.data = [event.data for event in events]
        self.unread: Mask = np.zeros(len(events), dtype=bool)
        struct = BY_FACT_TYPE[fact_type].struct
        self.kinds = {name: kind for kind in KINDS for name in fields_of_kind(struct, kind)}
        self.optional = {*optional_texts(struct)}
        if fact_type == "identity":
            self.kinds |= {"left_id": "id", "right_id": "id"}
        if fact_type == "touch":
            self.kinds |= dict.fromkeys(_UTM_COLUMNS, "text")
            self.optional |= {*_UTM_COLUMNS}
        self.rewritten: dict[str, pa.Array] = {}
        given = [d.utm for d in self.data] if fact_type == "touch" else []
        self.has_utm = any(given)
        self.utm = [utm or _NO_UTM for utm in given] if self.has_utm else []

    def values(self, name: str) -> list[Any]:
        """Return a column of `data` as Python values; nested fields by their flat name."""
        side, _, rest = name.partition("_")
        if side == "utm":
            return _reader(rest)(self.utm)
        return _reader(f"{side}.{rest}" if self.fact_type == "identity" and rest else name)(self.data)

    def read(self, kind: str, values: Any) -> pa.Array:
        """Return a column of a kind, and mark what was not read."""
        column, unread = KINDS[kind].column(values, self.data)
        if unread is not None:
            self.unread |= unread
        return column

    def payload(self, name: str, data_type: pa.DataType) -> pa.Array:
        """Return one column of the payload."""
        if name.startswith("utm_") and not self.has_utm:
            return pa.nulls(len(self.data), data_type)
        values = self.values(name)
        if name == "attributes":
            return pa.array(self._attribute_texts(values), data_type)
        kind = self.kinds.get(name)
        if kind is not None and KINDS[kind].is_text:
            return self._text(name, kind, pa.array(values, TEXT))
        column = pa.array(values, data_type) if kind is None else self.read(kind, values)
        return column.fill_null(False if name == "deleted" else 0) if name in ("deleted", "revision") else column

    def _text(self, name: str, kind: str, given: pa.Array) -> pa.Array:
        """Return a column of text: where it is optional, an empty one is none."""
        is_optional = name in self.optional
        text = without_empty(given) if is_optional else given
        column = self.read(kind, text)
        if column.type == TEXT and column is not text:
            column = text = without_empty(column) if is_optional else column  # labels of nothing but blanks
        if text is not given:
            self.rewritten[name] = text
        return column

    def _attribute_texts(self, values: list[dict[str, Any] | None]) -> list[str | None]:
        """Write free-form attributes as canonical JSON; empty ones are none."""
        if values.count(None) == len(values):
            return [None] * len(values)
        texts = ENCODER.encode_lines(values).decode().split("\n")
        return [text if value else None for value, text in zip(values, texts, strict=False)]

    def make_canonical(self, columns: dict[str, pa.Array]) -> None:
        """Write canonical texts back into `data`, and leave defaults out."""
        for name, column in self.rewritten.items():
            self._write(name, column.to_pylist())
        for name, kind in self.kinds.items():
            write = KINDS[kind].texts
            if write is not None:
                self._write(name, write(columns[name]))
        if self.fact_type == "touch":
            self._leave_out([*(self._empty_utm(columns) if self.has_utm else []), *(d for d in self.data if d.attributes == {})])
        else:
            self._leave_out(self.data)

    def _write(self, name: str, texts: list[Any]) -> None:
        within, name = (self.utm, name[4:]) if name in _UTM_COLUMNS else (self.data, name)
        for data, text in zip(within, texts, strict=True):
            setattr(data, name, text)

    def _empty_utm(self, columns: dict[str, pa.Array]) -> list[Any]:
        empty = reduce(pc.and_, (columns[f"utm_{name}"].is_null() for name in Utm.__struct_fields__))
        return [self.data[row] for row in np.flatnonzero(empty.to_numpy(zero_copy_only=False))]

    def _leave_out(self, some: list[Any]) -> None:
        leave_out = LEAVE_DEFAULTS_OUT.get(BY_FACT_TYPE[self.fact_type].struct.__name__)
        if leave_out is not None:
            for data in some:
                leave_out(data)


@cache
def _reader(path: str) -> Callable[[Sequence[Any]], list[Any]]:
    """Return what reads a field of many structs. Compiled for its one field it is more than twice as quick as `operator.attrgetter`."""
    reader: Callable[[Sequence[Any]], list[Any]] = eval(f"lambda rows: [row.{path} for row in rows]")  # noqa: S307 a field of ours
    return reader


def _content_hashes(occurred_at: pa.Array, data: list[Any]) -> pa.Array:
    """Return the content hash of each event: as `schemas.canonical.hash_of`."""
    times = occurred_at.cast(pa.int64()).fill_null(0).to_numpy().astype("<i8").view("V8").tolist()
    return pa.array(digests(_HASH, map(operator.add, times, ENCODER.encode_lines(data).split(b"\n"))))
