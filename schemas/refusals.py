"""Dead letters: records that cannot become events, with their original bytes and what to do about them."""

from __future__ import annotations

import base64
import json
import re
import typing
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa

from nisba.errors import Refused
from schemas.envelope import type_of
from schemas.events import EVENT_TYPES
from schemas.records import Headers, RecordBlock

__all__ = ["BROKEN", "DEAD_LETTER_SCHEMA", "ERROR_CLASSES", "dead_letter_table", "refusal_of"]

ERROR_CLASSES = ("malformed", "schema", "unknown_type", "oversized", "corrupt", "semantic")
"""All classes; `corrupt` is the source's to give: such bytes never reach the decoder."""

DEAD_LETTER_SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("error_class", pa.string()),
        ("message", pa.string()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.string()),  # JSON list of [name, base64 of the value]
        ("timestamp_ms", pa.int64()),
        ("attempt", pa.int32()),  # of the header replay.attempt; 0 on first arrival
    ]
)

BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError)
"""What decoding arbitrary bytes may raise."""

_PLACE = re.compile(r" - at `(?P<path>\$.*?)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*?)`$")
_any = msgspec.json.Decoder(msgspec.Raw)


def refusal_of(value: bytes, error: Exception) -> Refused:
    """Say why bytes did not decode: not JSON at all first, then an unknown type, then the field at fault."""
    broken = _not_json(value)
    if broken is not None:
        return Refused("malformed", broken)
    if isinstance(error, Refused):
        return error
    type_name = type_of(value)
    if type_name is not None and type_name not in EVENT_TYPES:
        return Refused("unknown_type", _unknown(type_name))
    if isinstance(error, msgspec.ValidationError):
        return Refused("schema", _located(str(error), type_name))
    if isinstance(error, RecursionError):
        return Refused("malformed", "nested too deep to be read: flatten the event")
    return Refused("schema", f"$.data: holds a value that cannot be kept exactly ({type(error).__name__}): send it as text")


def _not_json(value: bytes) -> str | None:
    try:
        value.decode()
        _any.decode(value)
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start} is {value[error.start]:#04x}; encode the event as UTF-8"
    except RecursionError:
        return "nested too deep to be read: flatten the event"
    except msgspec.MsgspecError as error:
        return f"not one JSON object: {error}"
    return None


def _unknown(type_name: str) -> str:
    name = type_name if len(type_name) <= 100 else type_name[:100] + "…"
    return (
        f"$.type: {name!r} is not known to this version, which knows {', '.join(EVENT_TYPES)}: upgrade, then replay; or mend the producer"
    )


def _located(message: str, type_name: str | None = None) -> str:
    """Put the path first, of the missing field itself where one is missing, and say in words what is wrong there.

    >>> _located("Object missing required field `channel` - at `$.data`")
    '$.data.channel: missing, and it is required'
    >>> _located("Expected `str | null`, got `float` - at `$.data.amount`")
    '$.data.amount: a number where text is expected: write it as text, in quotation marks'
    >>> _located("Invalid enum value 'Won' - at `$.data.status`", "nisba.deal.v1")
    "$.data.status: 'Won' is none of the values that are known here: open, won, lost"
    """
    found = _PLACE.search(message)
    path, what = (found["path"], message[: found.start()]) if found else ("$", message)
    missing = _MISSING.match(what)
    if missing:
        return f"{path}.{missing['name']}: missing, and it is required"
    for pattern, sentence in _SENTENCES:
        match = pattern.fullmatch(what)
        if match:
            return f"{path}: {sentence(match, path, type_name)}"
    return f"{path}: {what[:1].lower()}{what[1:]}"


def _wrong_kind(match: re.Match[str], path: str, type_name: str | None) -> str:
    expected = [name for name in match["expected"].split(" | ") if name != "null"]
    if match["got"] == "null":
        return "null, and it is required"
    words = " or ".join(_WORDS.get(name, name) for name in expected)
    hint = f": write it as {_form(path)}" if expected == ["str"] and match["got"] in ("int", "float") else ""
    return f"{_WORDS.get(match['got'], match['got'])} where {words} is expected{hint}"


def _form(path: str) -> str:
    if path == "$.time" or path.endswith("_at"):
        return "an RFC 3339 time such as 2026-03-01T09:30:00+03:00"
    return "text, in quotation marks"


def _wrong_value(match: re.Match[str], path: str, type_name: str | None) -> str:
    value = match["value"] if len(match["value"]) <= 100 else match["value"][:100] + "…'"
    return f"{value} is none of the values that are known here: {', '.join(_choices(path, type_name))}"


def _choices(path: str, type_name: str | None) -> tuple[str, ...]:
    """Return the values that the field at a path may have."""
    hint: Any = EVENT_TYPES[type_name].struct if type_name is not None and type_name in EVENT_TYPES else None
    for name in path.split(".")[2:]:
        hint = _within(typing.get_type_hints(hint)[name]) if hint is not None else None
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ("1.0",)


def _within(hint: Any) -> Any:
    return next((option for option in typing.get_args(hint) if option is not type(None)), hint) if _is_optional(hint) else hint


def _is_optional(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
"""JSON's kinds of values, as they are called in sentences."""

_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, str | None], str]], ...] = (
    (re.compile(r"Expected `(?P<expected>[^`]*)`, got `(?P<got>[^`]*)`"), _wrong_kind),
    (re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL), _wrong_value),
    (re.compile(r"Expected `str` of length >= 1"), lambda *_: "empty, and it is required"),
    (re.compile(r"Expected `str` of length <= (?P<most>\d+)"), lambda match, *_: f"longer than {match['most']} characters"),
    (re.compile(r"Expected `int` [<>]= -?\d+"), lambda *_: "out of range: whole numbers have 64 bits"),
)
"""What the decoder says, and what is said of it."""


def dead_letter_table(block: RecordBlock, refused: list[tuple[int, Refused]]) -> pa.Table:
    """Return the dead letters of a block, in the order of its records."""
    refused = sorted(refused, key=lambda pair: pair[0])
    places = [place for place, _ in refused]
    headers = [block.headers[place] for place in places]
    columns = [
        [block.topic] * len(places),
        [block.partition] * len(places),
        [block.offsets[place] for place in places],
        [refusal.error_class for _, refusal in refused],
        [refusal.message for _, refusal in refused],
        [block.keys[place] for place in places],
        [block.values[place] for place in places],
        [_headers_text(h) for h in headers],
        [block.timestamps_ms[place] for place in places],
        [_attempt(h) for h in headers],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, DEAD_LETTER_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=DEAD_LETTER_SCHEMA)


def _headers_text(headers: Headers | None) -> str | None:
    if headers is None:
        return None
    return json.dumps([[name, base64.b64encode(value or b"").decode()] for name, value in headers])


def _attempt(headers: Headers | None) -> int:
    """Return how often a record has been replayed.

    >>> _attempt([("replay.attempt", b"2")]), _attempt(None), _attempt([("replay.attempt", b"x")])
    (2, 0, 0)
    """
    for name, value in headers or ():
        if name == "replay.attempt" and re.fullmatch(rb"[0-9]{1,9}", value or b""):
            return int(value)
    return 0
