"""Decode blocks of records into columns of facts, or dead letters. Nothing is lost: facts + dead letters + tombstones = records.

The quick way decodes records into lean structs and reads whole columns. What does not decode, or is marked in a column, goes the
exact way, record by record. The exact way alone refuses; both give the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nisba.errors import ContractError, Refused
from schemas.canonical import normalise
from schemas.columns import Rows, fact_table
from schemas.envelope import exact_decoder, from_binary_mode, is_binary_mode, lean_decoder
from schemas.events import EVENT_TYPES
from schemas.kinds import parse_instant
from schemas.records import BYTE_ORDER_MARK, RecordBlock
from schemas.refusals import BROKEN, dead_letter_table, refusal_of
from schemas.rules import rules_of
from schemas.unknown import is_about_an_unknown_field, unknown_field_table

__all__ = ["MAX_RECORD_BYTES", "Decoded", "decode_block"]

MAX_RECORD_BYTES = 1_048_576


@dataclass(frozen=True)
class Decoded:
    """What a block became: facts by type (only types that occur), dead letters, and how many records were seen.

    `unknown_fields` counts, among the events that became facts, the fields that their types do not know (`schemas.unknown`).
    """

    facts: dict[str, pa.Table]
    dead_letters: pa.Table
    records: int
    unknown_fields: pa.Table


def decode_block(block: RecordBlock, *, max_record_bytes: int = MAX_RECORD_BYTES, exactly: bool = False) -> Decoded:
    """Decode a block; never raises for what a record holds. `exactly`: every record goes the exact way, which changes only the time.

    Facts have the columns of `ledger_schema`, several rows of one identity where the block repeats it. Tombstones are counted.
    """
    decoding = _Decoding(block, exactly)
    decoding.decode(decoding.readable(max_record_bytes))
    facts = {fact_type: decoding.table(fact_type, rows) for fact_type, rows in decoding.rows.items()}
    facts = {fact_type: table for fact_type, table in facts.items() if table.num_rows}
    return Decoded(facts, dead_letter_table(block, decoding.refused), len(block), decoding.unknown_fields())


class _Decoding:
    """One block on its way: rows by the class of their event, and what was refused."""

    def __init__(self, block: RecordBlock, exactly: bool) -> None:
        self.block = block
        self.exactly = exactly
        self.offsets: npt.NDArray[np.int64] = np.array(block.offsets, dtype=np.int64)
        self.rows: dict[str, Rows] = {}  # by fact type
        self.refused: list[tuple[int, Refused]] = []
        self.rewritten: dict[int, bytes] = {}  # of records that came in binary mode, or with a byte order mark
        self.looked_at_again: tuple[list[int], list[bytes]] = [], []  # records among which fields are unknown

    def readable(self, max_record_bytes: int) -> tuple[list[int], list[bytes]]:
        """Return places and values of the records to decode; refuse what is too large."""
        whole = self.block.values
        present = [value for value in whole if value is not None]
        if len(present) == len(whole) and max(map(len, present), default=0) <= max_record_bytes:
            places, values = list(range(len(whole))), present
        else:
            kept = [(p, value) for p, value in enumerate(whole) if value is not None and self._fits(p, value, max_record_bytes)]
            places, values = [p for p, _ in kept], [value for _, value in kept]
        if any(self.block.headers):
            values = [self._as_structured(place, value) for place, value in zip(places, values, strict=True)]
        return places, values

    def _fits(self, place: int, value: bytes, limit: int) -> bool:
        if len(value) > limit:
            message = f"{len(value)} bytes are more than the {limit} that are allowed: split the event or raise the limit"
            self.refused.append((place, Refused("oversized", message)))
        return len(value) <= limit

    def _as_structured(self, place: int, value: bytes) -> bytes:
        headers = self.block.headers[place]
        if not headers or not is_binary_mode(headers):
            return value
        try:
            self.rewritten[place] = from_binary_mode(value.removeprefix(BYTE_ORDER_MARK), headers)
        except BROKEN:
            return value  # is refused when it is decoded: it is no JSON
        return self.rewritten[place]

    def decode(self, records: tuple[list[int], list[bytes]]) -> None:
        """Decode into rows by class; a record that does not decode is refused where it is, and the rest goes on."""
        places, values = records
        if not all(map(bytes.isascii, values)):
            places, values = self._in_utf8(places, values)
        self._sort(places, self._decode(places, values))

    def _decode(self, places: list[int], values: list[bytes]) -> list[Any]:
        """Return the events; None for one that was refused. The first one with an unknown field has the rest decoded openly."""
        events: list[Any] = []
        stream = map(lean_decoder(is_closed=True).decode, values)
        while len(events) < len(values):
            try:
                events.extend(stream)  # what was decoded before an error stays
            except BROKEN as error:
                now = len(events)
                if is_about_an_unknown_field(error):
                    self.looked_at_again = places[now:], values[now:]
                    stream = map(lean_decoder().decode, values[now:])
                else:
                    self.refused.append((places[now], refusal_of(values[now], error)))
                    events.append(None)
        return events

    def _in_utf8(self, places: list[int], values: list[bytes]) -> tuple[list[int], list[bytes]]:
        """Read byte order marks over, and refuse what is not UTF-8: the decoder itself does not look at fields that it does not know."""
        kept = []
        for place, value in zip(places, values, strict=True):
            if value.startswith(BYTE_ORDER_MARK):
                value = self.rewritten[place] = value[len(BYTE_ORDER_MARK) :]
            try:
                value.decode()
                kept.append((place, value))
            except UnicodeDecodeError as error:
                self.refused.append((place, refusal_of(value, error)))
        return [place for place, _ in kept], [value for _, value in kept]

    def _sort(self, places: list[int], events: list[Any]) -> None:
        classes = set(map(type, events))
        if len(classes) == 1 and events[0] is not None:
            self.rows[_fact_type(classes.pop())] = Rows(places, events)
            return
        for place, event in zip(places, events, strict=True):
            if event is not None:
                self._keep(place, event)

    def _keep(self, place: int, event: Any) -> None:
        rows = self.rows.setdefault(_fact_type(type(event)), Rows())
        rows.places.append(place)
        rows.events.append(event)

    def unknown_fields(self) -> pa.Table:
        """Count the unknown fields of the events that were not refused."""
        refused = {place for place, _ in self.refused}
        return unknown_field_table(value for place, value in zip(*self.looked_at_again, strict=True) if place not in refused)

    def table(self, fact_type: str, rows: Rows) -> pa.Table:
        """Return the facts of one type: the plain ones, then those that were looked at again and found good."""
        made = fact_table(fact_type, rows, self.block.topic, self.block.partition, self.offsets)
        marked = np.ones(len(rows), dtype=bool) if self.exactly else made.marked
        if not marked.any():
            return made.table
        again = self._found_good(fact_type, [rows.places[row] for row in np.flatnonzero(marked).tolist()])
        return pa.concat_tables([made.table.filter(pa.array(~marked)), again])

    def _found_good(self, fact_type: str, places: list[int]) -> pa.Table:
        """Read some records exactly, and refuse those that cannot be read or break a rule."""
        rows = Rows()
        for place, event in self._read_exactly(places):
            rows.places.append(place)
            rows.events.append(event)
        made = fact_table(fact_type, rows, self.block.topic, self.block.partition, self.offsets)
        good, rules = made.broken < 0, rules_of(fact_type)
        for row in np.flatnonzero(~good).tolist():
            self.refused.append((rows.places[row], rules[made.broken[row]].refusal(rows.events[row])))
        for row in np.flatnonzero(good & made.unread).tolist():
            offset = self.block.offsets[rows.places[row]]
            raise ContractError(f"{self.block.topic} offset {offset}: the two ways to read it disagree; report this as a bug")
        return made.table.filter(pa.array(good))

    def _read_exactly(self, places: list[int]) -> Iterator[tuple[int, Any]]:
        for place in places:
            value = self.rewritten.get(place) or self.block.values[place]
            assert value is not None
            try:
                event = exact_decoder().decode(value)
                event.time = parse_instant(event.time, "$.time").isoformat().replace("+00:00", "Z")
                normalise(event.data)
            except (Refused, *BROKEN) as error:
                self.refused.append((place, refusal_of(value, error)))
            else:
                yield place, event


def _fact_type(event_class: type) -> str:
    return EVENT_TYPES[event_class.__struct_config__.tag].fact_type  # type: ignore[attr-defined]
