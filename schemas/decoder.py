"""Decode blocks of records into columns of facts, or dead letters. Nothing is lost: facts + dead letters + tombstones = records.

The fast way decodes records into lean structs and checks whole columns. What does not decode, or looks
suspicious in a column, goes the exact way, record by record. The exact way alone refuses; both give the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nisba.errors import ContractError
from schemas.checks import Refused, normalise, parse_instant
from schemas.columns import Rows, fact_table
from schemas.encoding import encode_event, table_records
from schemas.envelope import exact_decoder, from_binary_mode, is_binary_mode, lean_decoder
from schemas.events import EVENT_TYPES
from schemas.keys import SHARDS, partition_key, shard_of
from schemas.records import RecordBlock
from schemas.refusals import BROKEN, DEAD_LETTER_SCHEMA, dead_letter_table, refusal_of

__all__ = [
    "DEAD_LETTER_SCHEMA",
    "MAX_RECORD_BYTES",
    "SHARDS",
    "Decoded",
    "RecordBlock",
    "decode_block",
    "decode_table",
    "encode_event",
    "partition_key",
    "shard_of",
    "table_records",
]

MAX_RECORD_BYTES = 1_048_576


@dataclass(frozen=True)
class Decoded:
    """What a block became: facts by type (only types that occur), dead letters, and how many records were seen."""

    facts: dict[str, pa.Table]
    dead_letters: pa.Table
    records: int


def decode_block(block: RecordBlock, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Decoded:
    """Decode a block; never raises for what a record holds.

    Facts have the columns of `ledger_schema`, several rows of one identity where the block repeats it. Tombstones are counted.
    """
    work = _Work(block)
    work.decode(work.readable(max_record_bytes))
    facts = {fact_type: work.table(fact_type, rows) for fact_type, rows in work.by_fact_type().items()}
    facts = {fact_type: table for fact_type, table in facts.items() if table.num_rows}
    return Decoded(facts, dead_letter_table(block, work.refused), len(block))


def decode_table(table: pa.Table, topic: str, *, first_row: int = 0, max_record_bytes: int = MAX_RECORD_BYTES) -> Decoded:
    """Decode rows of the Parquet form: the envelope's fields, and `data` as a struct, as JSON text, or as flat columns."""
    return decode_block(table_records(table, topic, first_row), max_record_bytes=max_record_bytes)


class _Work:
    """One block on its way: rows by the class of their event, and what was refused."""

    def __init__(self, block: RecordBlock) -> None:
        self.block = block
        self.offsets: npt.NDArray[np.int64] = np.array(block.offsets, dtype=np.int64)
        self.rows: dict[type, Rows] = {}
        self.refused: list[tuple[int, Refused]] = []
        self.structured: dict[int, bytes] = {}  # of records that came in binary mode

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
            self.structured[place] = from_binary_mode(value, headers)
        except BROKEN:
            return value  # is refused when it is decoded: it is no JSON
        return self.structured[place]

    def decode(self, records: tuple[list[int], list[bytes]]) -> None:
        """Decode into rows by class; a record that does not decode is refused where it is, and the rest goes on."""
        places, values = records
        if not all(map(bytes.isascii, values)):
            places, values = self._in_utf8(places, values)
        events: list[Any] = []
        stream = map(lean_decoder().decode, values)
        while len(events) < len(values):
            try:
                events.extend(stream)  # what was decoded before an error stays
            except BROKEN as error:
                self.refused.append((places[len(events)], refusal_of(values[len(events)], error)))
                events.append(None)
        self._sort(places, events)

    def _in_utf8(self, places: list[int], values: list[bytes]) -> tuple[list[int], list[bytes]]:
        """Refuse what is not UTF-8: the decoder itself does not look at fields that it does not know."""
        kept = []
        for place, value in zip(places, values, strict=True):
            try:
                value.decode()
                kept.append((place, value))
            except UnicodeDecodeError as error:
                self.refused.append((place, refusal_of(value, error)))
        return [place for place, _ in kept], [value for _, value in kept]

    def _sort(self, places: list[int], events: list[Any]) -> None:
        classes = set(map(type, events))
        if len(classes) == 1 and events[0] is not None:
            self.rows[classes.pop()] = Rows(places, events)
            return
        for place, event in zip(places, events, strict=True):
            if event is not None:
                self._keep(place, event)

    def _keep(self, place: int, event: Any) -> None:
        rows = self.rows.setdefault(type(event), Rows())
        rows.places.append(place)
        rows.events.append(event)

    def by_fact_type(self) -> dict[str, Rows]:
        """Return the rows of each fact type."""
        return {_fact_type(event_class): rows for event_class, rows in self.rows.items()}

    def table(self, fact_type: str, rows: Rows) -> pa.Table:
        """Return the facts of one type: the plain ones, then those that were looked at again and found good."""
        table, suspicious = fact_table(fact_type, rows, self.block.topic, self.block.partition, self.offsets)
        if not suspicious.any():
            return table
        again = Rows()
        for place, event in self._examined(rows.places[i] for i in np.flatnonzero(suspicious)):
            again.places.append(place)
            again.events.append(event)
        rest, left = fact_table(fact_type, again, self.block.topic, self.block.partition, self.offsets)
        if left.any():
            place = again.places[int(np.flatnonzero(left)[0])]
            raise ContractError(f"{self.block.topic} offset {self.block.offsets[place]}: columns and checks disagree; report this as a bug")
        return pa.concat_tables([table.filter(pa.array(~suspicious)), rest])

    def _examined(self, places: Iterator[int]) -> Iterator[tuple[int, Any]]:
        for place in places:
            value = self.structured.get(place) or self.block.values[place]
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
