"""Fields that no type knows: ignored, but counted, so that a misspelt one is seen.

The decoder meets them for nothing: it decodes a block into closed structs, and only when one of its events has a field too many is the
block decoded into open ones and its keys looked at once more.
"""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from schemas.events import EVENT_TYPES, Data

__all__ = ["UNKNOWN_FIELD_SCHEMA", "is_about_an_unknown_field", "unknown_field_table"]

UNKNOWN_FIELD_SCHEMA = pa.schema([("event_type", pa.string()), ("field", pa.string()), ("records", pa.int64())])
"""One row per event type and field; those of nested objects have a dot, as `utm.gclid`."""

_LONGEST_NAME = 256


class _Keys(msgspec.Struct, gc=False):
    """Of an event only which fields it has."""

    type: str
    data: dict[str, msgspec.Raw]


_keys = msgspec.json.Decoder(_Keys)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_NULL = msgspec.Raw(b"null")


def is_about_an_unknown_field(error: Exception) -> bool:
    """Tell whether a closed struct refused a field that it does not have."""
    return isinstance(error, msgspec.ValidationError) and str(error).startswith("Object contains unknown field")


def unknown_field_table(values: Iterable[bytes]) -> pa.Table:
    """Count the fields of some events, all of known types, that their types do not know; each once an event."""
    counts: Counter[tuple[str, str]] = Counter()
    for (event_type, fields, nested), events in Counter(map(_shape, values)).items():
        struct = EVENT_TYPES[event_type].struct
        for field in {*fields} - {*struct.__struct_fields__} | {*nested} - _nested_fields(struct):
            counts[event_type, field[:_LONGEST_NAME]] += events
    rows = [{"event_type": event_type, "field": field, "records": events} for (event_type, field), events in sorted(counts.items())]
    return pa.Table.from_pylist(rows, UNKNOWN_FIELD_SCHEMA)


def _shape(value: bytes) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the type of an event, the names of its fields and those of nested ones: there are few shapes, however many events."""
    event = _keys.decode(value)
    objects = _objects(EVENT_TYPES[event.type].struct)
    nested = tuple(f"{name}.{inner}" for name in objects for inner in _object.decode(event.data.get(name, _NULL)) or ())
    return event.type, tuple(event.data), nested


@cache
def _nested_fields(struct: type[Data]) -> frozenset[str]:
    return frozenset(f"{name}.{inner}" for name, within in _objects(struct).items() for inner in within.__struct_fields__)


@cache
def _objects(struct: type[Data]) -> Mapping[str, type[Data]]:
    """Return the fields of a struct that are objects with fields of their own."""
    hints = typing.get_type_hints(struct)
    return {name: option for name, hint in hints.items() for option in (hint, *typing.get_args(hint)) if _is_data(option)}


def _is_data(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Data)
