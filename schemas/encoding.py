"""Write events: for producers, and for rows of a Parquet file on their way to the decoder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from nisba.errors import ContractError
from schemas.keys import partition_key
from schemas.records import RecordBlock

__all__ = ["CONTENT_TYPE", "encode_event", "table_records"]

CONTENT_TYPE = b"application/cloudevents+json"
"""Value of the header `content-type` of a record in structured mode."""

_ENVELOPE = ("specversion", "id", "source", "type", "time", "partitionkey", "datacontenttype", "dataschema", "subject")


def encode_event(event_type: str, id: str, source: str, time: str | dt.datetime, data: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the record key and the value of an event: structured CloudEvents JSON.

    `data` may hold Decimal, date and aware datetime values; fields that are None are left out. Nothing is checked but the type.
    Raises ContractError for an unknown type or a naive `time`, KeyError when the fields of the key are missing.
    """
    if isinstance(time, dt.datetime) and time.utcoffset() is None:
        raise ContractError(f"event {source}/{id}: its time {time} has no offset: make it aware before it is sent")
    key = partition_key(event_type, data)
    event = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": event_type,
        "time": time,
        "partitionkey": key,
        "data": _present(data),
    }
    return key.encode(), msgspec.json.encode(event)


def table_records(table: pa.Table, topic: str, first_row: int = 0) -> RecordBlock:
    """Return the rows of a Parquet table as records: what the decoder reads.

    The envelope's fields are columns. `data` is a struct, JSON text, or all the other
    columns; `attributes` may be JSON text too. A missing `specversion` is 1.0.
    Nanoseconds are cut off to microseconds; a time without zone stays without, and becomes a dead letter.
    """
    values: list[bytes | None] = [_row(row) for row in _readable(table).to_pylist()]
    absent = [None] * len(values)
    offsets = list(range(first_row, first_row + len(values)))
    return RecordBlock(topic, 0, offsets, values, list(absent), list(absent), list(absent))


def _readable(table: pa.Table) -> pa.Table:
    """Cut nanoseconds off: Python's instants have microseconds."""
    columns = [
        column.cast(pa.timestamp("us", field.type.tz), safe=False) if _is_fine(field.type) else column
        for column, field in zip(table.columns, table.schema, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _is_fine(data_type: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(data_type) and data_type.unit == "ns")


def _row(row: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0"} | {name: row.pop(name) for name in _ENVELOPE if row.get(name) is not None}
    data = row.get("data", row)
    if isinstance(data, str):
        return msgspec.json.encode({**_present(envelope), "data": _as_json(data)})
    body = _present(data)
    if isinstance(body, dict) and isinstance(body.get("attributes"), str):
        body["attributes"] = _as_json(body["attributes"])
    return msgspec.json.encode({**_present(envelope), "data": body})


def _as_json(text: str) -> msgspec.Raw | str:
    """Take text as the JSON that it is; what is none stays text, and is refused by its path."""
    try:
        return msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return text


def _present(value: Any) -> Any:
    """Leave out fields that are null; write decimals without an exponent."""
    if isinstance(value, Mapping):
        return {name: _present(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_present(item) for item in value]
    return format(value, "f") if isinstance(value, Decimal) else value
