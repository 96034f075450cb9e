"""From a block of raw records to columns of facts, or to dead letters. Nothing is lost and nothing is guessed.

Every record becomes a fact, a dead letter, or is a tombstone. An error never stops a block.
"""

from __future__ import annotations

import base64
import datetime as dt
import operator
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any, Literal

import msgspec
import pyarrow as pa

from nisba.attribution.facts import TEXT
from schemas.columns import SHARDS, fact_table, partition_key, shard_of
from schemas.events import EVENT_TYPES, Id, Instant, Refusal
from schemas.records import Header, RecordBlock

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
]

MAX_RECORD_BYTES = 1_048_576
CONTENT_TYPE = "application/cloudevents+json"

DEAD_LETTER_SCHEMA = pa.schema(
    [
        ("topic", TEXT),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("error_class", TEXT),  # malformed, schema, unknown_type, oversized, corrupt, semantic
        ("message", TEXT),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", TEXT),  # JSON list of [name, base64 of the value]
        ("timestamp_ms", pa.int64()),
        ("attempt", pa.int32()),  # of header replay.attempt, 0 for a first arrival
    ]
)

_ENVELOPES = {
    name: msgspec.defstruct(
        f"{kind.payload.__name__}Event",
        [("id", Id), ("source", Id), ("time", Instant), ("data", kind.payload), ("specversion", Literal["1.0"])],
        tag_field="type",
        tag=name,
        frozen=True,
        gc=False,
    )
    for name, kind in EVENT_TYPES.items()
}
_FACT_TYPE = {_ENVELOPES[name]: kind.fact_type for name, kind in EVENT_TYPES.items()}
_DECODE = msgspec.json.Decoder(reduce(operator.or_, _ENVELOPES.values())).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# Instants have microseconds, further digits are cut off; msgspec would round them.
_TOO_FINE = re.compile(rb":[0-9]{2}\.[0-9]{7}")
_TOO_FINE_TEXT = re.compile(r"^(.{17}[0-9]{2}\.[0-9]{6})[0-9]+")
_INSTANTS_OF_DATA = ("opened_at", "closed_at", "effective_at")
_MISSING = re.compile(r"^Object missing required field `([^`]+)`(?: - at `([^`]+)`)?$")


@dataclass(frozen=True)
class Decoded:
    """What a block became: facts by type (columns of `ledger_schema`), dead letters, and how many records there were."""

    facts: dict[str, pa.Table]
    dead_letters: pa.Table
    records: int


def decode_block(block: RecordBlock, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Decoded:
    """Decode a block of records; never raises for what a record holds."""
    accepted: defaultdict[type, list[tuple[int, Any]]] = defaultdict(list)
    refused: list[tuple[int, Refusal]] = []
    too_fine = _TOO_FINE.search(b"\n".join(value for value in block.values if value is not None)) is not None
    for i, value in enumerate(block.values):
        if value is None:
            continue
        headers = block.headers[i]
        if len(value) > max_record_bytes:
            refused.append((i, Refusal("oversized", f"{len(value)} bytes, more than the {max_record_bytes} that are allowed")))
            continue
        try:
            if headers and _is_binary(headers):
                value = _structured(value, headers)
            if too_fine and _TOO_FINE.search(value):
                value = _cut_instants(value)
            event = _DECODE(value)
        except _BROKEN as error:
            refused.append((i, _refusal(value, error)))
            continue
        refusal = event.data.refusal()
        if refusal is None:
            accepted[type(event)].append((i, event))
        else:
            refused.append((i, refusal))
    facts = {_FACT_TYPE[kind]: _facts(_FACT_TYPE[kind], rows, block) for kind, rows in accepted.items()}
    return Decoded(facts, _dead_letters(refused, block), len(block))


def _facts(fact_type: str, rows: Sequence[tuple[int, Any]], block: RecordBlock) -> pa.Table:
    events = [event for _, event in rows]
    return fact_table(
        fact_type,
        [event.source for event in events],
        [event.id for event in events],
        [event.time for event in events],
        [event.data for event in events],
        block.topic,
        block.partition,
        [block.offsets[i] for i, _ in rows],
    )


def _refusal(value: bytes, error: Exception) -> Refusal:
    """Name the error class of a record that did not decode, and say where and why."""
    broken = _not_json(value)
    if broken is not None:
        return Refusal("malformed", broken)
    if isinstance(error, msgspec.ValidationError):
        unknown = _unknown_type(value)
        return Refusal("unknown_type", unknown) if unknown else Refusal("schema", _located(str(error)))
    return Refusal("schema", f"a header is not text: {error}")


def _not_json(value: bytes) -> str | None:
    """Say why a record is not JSON at all, None when it is: types are judged only of what can be read to its end."""
    try:
        msgspec.json.decode(value)
    except RecursionError:
        return "nested too deep"
    except _BROKEN as error:
        return f"not JSON in UTF-8: {error}"
    return None


class _Probe(msgspec.Struct):
    type: Any = None


def _unknown_type(value: bytes) -> str | None:
    """Return a message when the record names a type that this version does not know, else None."""
    try:
        name = msgspec.json.decode(value, type=_Probe).type
    except _BROKEN:
        return None
    if not isinstance(name, str) or name in EVENT_TYPES:
        return None
    return f"unknown type {name!r}: this version knows {', '.join(EVENT_TYPES)} - at `$.type`"


def _located(message: str) -> str:
    """Let a missing field name its own path, not its parent's."""
    found = _MISSING.match(message)
    if found is None:
        return message if " - at `" in message else f"{message} - at `$`"
    return f"required field is missing - at `{found.group(2) or '$'}.{found.group(1)}`"


def _is_binary(headers: Sequence[Header]) -> bool:
    """Tell CloudEvents' binary mode: attributes in `ce_*` headers, the value is `data`."""
    names = {name.lower() for name, _ in headers}
    structured = any(name.lower() == "content-type" and value.lower().startswith(CONTENT_TYPE.encode()) for name, value in headers)
    return "ce_type" in names and not structured


def _structured(value: bytes, headers: Sequence[Header]) -> bytes:
    """Return the structured form of a record in binary mode.

    Raises what msgspec raises when the value is not JSON, or a header not UTF-8.
    """
    msgspec.json.decode(value)
    attributes = {name[3:].lower(): text.decode() for name, text in headers if name.lower().startswith("ce_")}
    return msgspec.json.encode({**attributes, "data": msgspec.Raw(value)})


def _cut_instants(value: bytes) -> bytes:
    """Cut the digits beyond microseconds off the instants of a record, and off nothing else."""
    tree = msgspec.json.decode(value)
    if isinstance(tree, dict):
        _cut(tree, ("time",))
        if isinstance(tree.get("data"), dict):
            _cut(tree["data"], _INSTANTS_OF_DATA)
    return msgspec.json.encode(tree)


def _cut(fields: dict[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if isinstance(fields.get(name), str):
            fields[name] = _TOO_FINE_TEXT.sub(r"\1", fields[name])


def _dead_letters(refused: Sequence[tuple[int, Refusal]], block: RecordBlock) -> pa.Table:
    rows = [
        {
            "topic": block.topic,
            "kafka_partition": block.partition,
            "kafka_offset": block.offsets[i],
            "error_class": refusal.error_class,
            "message": refusal.message.encode("utf-8", "replace").decode(),
            "key": block.keys[i],
            "value": block.values[i],
            "headers": _headers_text(block.headers[i]),
            "timestamp_ms": block.timestamps_ms[i],
            "attempt": _attempt(block.headers[i]),
        }
        for i, refusal in refused
    ]
    return pa.Table.from_pylist(rows, DEAD_LETTER_SCHEMA)


def _headers_text(headers: Sequence[Header] | None) -> str | None:
    if not headers:
        return None
    return msgspec.json.encode([[name, base64.b64encode(value or b"").decode()] for name, value in headers]).decode()


def _attempt(headers: Sequence[Header] | None) -> int:
    for name, value in headers or ():
        if name == "replay.attempt" and value.isdigit():
            return min(int(value), 2**31 - 1)
    return 0


def encode_event(event_type: str, id: str, source: str, time: str | dt.datetime, data: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the record key and the value of an event: structured CloudEvents JSON."""
    key = partition_key(EVENT_TYPES[event_type].fact_type, data)
    event = {"specversion": "1.0", "id": id, "source": source, "type": event_type, "time": time, "partitionkey": key, "data": data}
    return key.encode(), msgspec.json.encode(event)


def decode_table(table: pa.Table, topic: str, *, first_offset: int = 0, max_record_bytes: int = MAX_RECORD_BYTES) -> Decoded:
    """Decode rows of a Parquet file: the envelope's fields, with `data` as a struct, as JSON text, or as flat columns."""
    lines = [_row_json(row) for row in table.to_pylist()]
    return decode_block(RecordBlock.of_lines(topic, lines, first_offset), max_record_bytes=max_record_bytes)


_ENVELOPE_FIELDS = ("specversion", "id", "source", "type", "time", "partitionkey")


def _row_json(row: dict[str, Any]) -> bytes:
    present = _present(row)
    envelope = {name: present.pop(name) for name in _ENVELOPE_FIELDS if name in present}
    data = present.pop("data", present)
    body = msgspec.Raw(data.encode()) if isinstance(data, str) else data
    return msgspec.json.encode({"specversion": "1.0", **envelope, "data": body})


def _present(value: Any) -> Any:
    """Leave out what is null, and write decimals as the wire does."""
    if isinstance(value, dict):
        return {name: _present(field) for name, field in value.items() if field is not None}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return format(value, "f") if isinstance(value, Decimal) else value
