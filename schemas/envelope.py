"""The envelope of an event, and the decoders of bytes: CloudEvents 1.0, structured or binary.

Each type has two structs. The exact one carries the ranges of `schemas.events`; the lean one, made of it, has the same fields without
ranges and is twice as fast: what a range says about a whole column, `schemas.columns` checks at once.
"""

from __future__ import annotations

import operator
import sys
import types
import typing
from collections.abc import Iterable
from decimal import Decimal
from functools import cache, reduce
from typing import Any, Literal, Union

import msgspec

from schemas.events import EVENT_TYPES, Data, Id
from schemas.records import Headers

__all__ = [
    "ENCODER",
    "Envelope",
    "exact_decoder",
    "exact_number",
    "from_binary_mode",
    "is_binary_mode",
    "lean_decoder",
    "lean_type",
    "type_of",
]

ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")
"""Writes canonical JSON: fields are declared in order, and dictionaries are sorted at every depth."""


class Envelope(msgspec.Struct, gc=False):
    """What every event says about itself, beside `type`, by which the struct is chosen."""

    id: Id
    source: Id
    time: str
    specversion: Literal["1.0"]


class _Head(msgspec.Struct, gc=False):
    type: str


class _LeanEnvelope(msgspec.Struct, gc=False):
    id: str
    source: str
    time: str
    specversion: Literal["1.0"]


def exact_number(text: str) -> float | Decimal:
    """Read a number of free-form attributes by its value, so that writing it again loses nothing.

    >>> exact_number("0.10"), exact_number("1.0"), exact_number("1E+3"), exact_number("10e399")
    (0.1, 1, 1000, Decimal('1E+400'))
    """
    number = float(text)
    if len(text) < 16 and "e" not in text and "E" not in text:  # a double holds fifteen digits
        return int(number) if number.is_integer() else number
    exact = _shortest(Decimal(text))
    if int(exact.as_tuple().exponent) >= 0 and exact.adjusted() <= _LARGEST_EXPONENT:
        return int(exact)
    return number if Decimal(repr(number)) == exact else exact


_LARGEST_EXPONENT = sys.float_info.max_10_exp
"""Whole numbers up to here are written with all their digits; one with more keeps its exponent, or a few bytes would become megabytes."""


def _shortest(number: Decimal) -> Decimal:
    """Drop trailing zeros, however many digits there are; no context rounds them."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    return Decimal((sign, tuple(map(int, text)), int(exponent) + len(digits) - len(text))) if text else Decimal(0)


@cache
def lean_type(struct: type[msgspec.Struct], *, is_closed: bool = False) -> type[msgspec.Struct]:
    """Return a struct with the same fields, without ranges and patterns; a closed one decodes no object that has other fields."""
    hints = typing.get_type_hints(struct)
    defaults = {field.name: field.default for field in msgspec.structs.fields(struct)}
    fields: list[Any] = [
        (name, _lean(hint, is_closed), *([] if defaults[name] is msgspec.NODEFAULT else [defaults[name]])) for name, hint in hints.items()
    ]
    options: Any = {"module": __name__, "kw_only": True, "omit_defaults": True, "gc": False, "forbid_unknown_fields": is_closed}
    return msgspec.defstruct(struct.__name__, fields, **options)


def _lean(hint: Any, is_closed: bool) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        return _either(_lean(option, is_closed) for option in typing.get_args(hint))
    return lean_type(hint, is_closed=is_closed) if isinstance(hint, type) and issubclass(hint, Data) else hint


def _either(options: Iterable[Any]) -> Any:
    return reduce(operator.or_, options)


def _tagged(name: str, base: type[msgspec.Struct], data: type[msgspec.Struct]) -> Any:
    return msgspec.defstruct("Event", [("data", data)], bases=(base,), tag_field="type", tag=name, gc=False, kw_only=True)


@cache
def lean_decoder(*, is_closed: bool = False) -> msgspec.json.Decoder[Any]:
    """Return the fast decoder of structured events: checks types and enums, no ranges. A closed one refuses `data` with unknown fields."""
    options = [_tagged(name, _LeanEnvelope, lean_type(declared.struct, is_closed=is_closed)) for name, declared in EVENT_TYPES.items()]
    return msgspec.json.Decoder(_either(options), float_hook=exact_number)


@cache
def exact_decoder() -> msgspec.json.Decoder[Any]:
    """Return the decoder of structured events that checks ranges as well."""
    options = [_tagged(name, Envelope, event_type.struct) for name, event_type in EVENT_TYPES.items()]
    return msgspec.json.Decoder(_either(options), float_hook=exact_number)


_head = msgspec.json.Decoder(_Head)
_any = msgspec.json.Decoder(msgspec.Raw)


def type_of(value: bytes) -> str | None:
    """Return what an event says its type is; None when it does not say."""
    try:
        return _head.decode(value).type
    except msgspec.ValidationError:
        return None


def is_binary_mode(headers: Headers) -> bool:
    """Tell whether the envelope is in the headers: `ce_*` ones, and no content type of structured mode.

    >>> is_binary_mode([("ce_id", b"1")]), is_binary_mode([("content-type", b"application/cloudevents+json")])
    (True, False)
    """
    if any(name.lower() == "content-type" and (value or b"").lower().startswith(b"application/cloudevents") for name, value in headers):
        return False
    return any(name.startswith("ce_") for name, _ in headers)


def from_binary_mode(value: bytes, headers: Headers) -> bytes:
    """Write an event of binary mode as one of structured mode; raises what decoding raises (`value` must be JSON by itself)."""
    value.decode()
    _any.decode(value)
    attributes = {name[3:]: (content or b"").decode() for name, content in headers if name.startswith("ce_")}
    attributes.pop("data", None)
    envelope = msgspec.json.encode(attributes)
    return envelope[:-1] + b',"data":' + value + b"}"
