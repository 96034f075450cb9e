"""The canonical form of an event's content: what tells a duplicate from a conflict, and settles conflicts.

JSON with sorted keys, no spaces, UTF-8; known fields only; what is null, absent or equal to its default left out; decimals as
strings without trailing zeros; instants in UTC with six digits and `Z`; lists in their order.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from schemas.events import BY_FACT_TYPE, Adjustment, Campaign, Deal, Fx, IdentityLink, LeadStage, Payload, Spend, Touch, Utm

__all__ = ["canonical", "content_hash", "instant_text", "newer", "normal_number", "row_to_event"]

_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string")
_DECIMALS: Mapping[type[Payload], tuple[str, ...]] = {
    Campaign: ("budget",),
    Spend: ("amount",),
    Deal: ("amount", "list_amount"),
    Adjustment: ("amount",),
    Fx: ("rate",),
}
_INSTANTS: Mapping[type[Payload], tuple[str, ...]] = {Deal: ("opened_at", "closed_at"), Adjustment: ("effective_at",)}
_NO_UTM = Utm()
_UTM = ("source", "medium", "campaign", "term", "content")


def instant_text(instant: dt.datetime) -> str:
    """Return an instant in UTC with six digits and `Z`: 2026-03-01T06:30:00.000000Z."""
    return instant.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def normal_number(text: str) -> str:
    """Return a decimal without trailing zeros, exponent or sign of zero.

    >>> normal_number("1200.00"), normal_number("0.50"), normal_number("-0.0")
    ('1200', '0.5', '0')
    """
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, fraction = digits.partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return number if number == "0" else sign + number


def canonical(data: Payload) -> bytes:
    """Return the canonical form of a payload, as bytes that compare."""
    kind = type(data)
    if isinstance(data, Touch) and data.utm == _NO_UTM:
        data = msgspec.structs.replace(data, utm=None)
    decimals, instants = _DECIMALS.get(kind, ()), _INSTANTS.get(kind, ())
    if not decimals and not instants and not isinstance(data, LeadStage):
        return _ENCODER.encode(data)
    fields: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
    for name in decimals:
        if name in fields:
            fields[name] = normal_number(fields[name])
    for name in instants:
        if name in fields:
            fields[name] = instant_text(fields[name])
    _drop_defaults(data, fields)
    return _ENCODER.encode(fields)


def _drop_defaults(data: Payload, fields: dict[str, Any]) -> None:
    if fields.get("revision") == 0:
        del fields["revision"]
    if fields.get("deleted") is False:
        del fields["deleted"]
    if isinstance(data, Spend) and fields.get("ends_on") == data.starts_on:
        del fields["ends_on"]
    score = fields.get("score")
    if isinstance(score, float) and score.is_integer():
        fields["score"] = int(score)  # 5 and 5.0 are one number


def content_hash(occurred_at_us: int, data: Payload) -> int:
    """Return 64 bits that tell two contents of one identity apart: of `time` (microseconds) and the canonical form."""
    digest = hashlib.blake2b(b"%d" % occurred_at_us + canonical(data), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def newer(left: tuple[dt.datetime, Payload], right: tuple[dt.datetime, Payload]) -> bool:
    """Tell whether `left` wins a conflict with `right`: the later time, then the larger canonical form."""
    return (left[0], canonical(left[1])) > (right[0], canonical(right[1]))


def row_to_event(fact_type: str, row: Mapping[str, Any]) -> tuple[dt.datetime, Payload]:
    """Return `time` and payload of a ledger row: the inverse of the decoder's columns."""
    payload = BY_FACT_TYPE[fact_type].payload
    fields = {name: _field(row[name]) for name in payload.__struct_fields__ if row.get(name) is not None}
    if payload is Touch:
        utm = {name: row[f"utm_{name}"] for name in _UTM if row.get(f"utm_{name}") is not None}
        fields |= {"utm": Utm(**utm)} if utm else {}
    if payload is IdentityLink:
        fields |= {side: {"kind": row[f"{side}_kind"], "id": row[f"{side}_id"]} for side in ("left", "right")}
    if "attributes" in fields:
        fields["attributes"] = msgspec.json.decode(fields["attributes"])
    return row["occurred_at"], msgspec.convert(fields, payload)


def _field(value: Any) -> Any:
    return normal_number(format(value, "f")) if isinstance(value, Decimal) else value
