"""Fields that no type knows: ignored, but counted, so that a misspelt one is seen.

The decoder meets them for nothing: it decodes a block into closed structs, and only when one of its events has a field too many is the
block decoded into open ones and its keys looked at once more.
"""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_about_an_unknown_field(error: Exception) -> bool:
    """Tell whether a closed struct refused a field that it does not have."""
    return isinstance(error, msgspec.ValidationError) and str(error).startswith("Object contains unknown field")


def unknown_field_table(values: Iterable[bytes]) -> pa.Table:
    """Count the fields of some events, all of known types, that their types do not know; each once an event."""
    counts: Counter[tuple[str, str]] = Counter()
    for value in values:
        event = _keys.decode(value)
        counts.update((event.type, field[:_LONGEST_NAME]) for field in set(_unknown(event.data, EVENT_TYPES[event.type].struct)))
    rows = [{"event_type": event_type, "field": field, "records": count} for (event_type, field), count in sorted(counts.items())]
    return pa.Table.from_pylist(rows, UNKNOWN_FIELD_SCHEMA)


def _unknown(data: Mapping[str, msgspec.Raw], struct: type[Data]) -> Iterator[str]:
    known, nested = _fields(struct)
    yield from data.keys() - known
    for name, inner in nested.items():
        if name in data and bytes(data[name]) != b"null":
            for field in _unknown(_object.decode(data[name]), inner):
                yield f"{name}.{field}"


@cache
def _fields(struct: type[Data]) -> tuple[frozenset[str], Mapping[str, type[Data]]]:
    """Return the fields of a struct, and those that are objects with fields of their own."""
    hints = typing.get_type_hints(struct)
    nested = {name: option for name, hint in hints.items() for option in (hint, *typing.get_args(hint)) if _is_data(option)}
    return frozenset(hints), nested


def _is_data(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Data)
