"""The canonical form of an event's `data`, its hash, and how two contents under one identity are settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec

from nisba.money import plain
from schemas.bounds import leave_far_out
from schemas.envelope import ENCODER, exact_number
from schemas.events import BY_FACT_TYPE, Data, Node, Utm
from schemas.kinds import EPOCH, KINDS, fields_of_kind, optional_texts

__all__ = ["LEAVE_DEFAULTS_OUT", "canonical", "content_hash", "normalise", "row_to_event", "settle"]

_attributes = msgspec.json.Decoder(dict[str, Any], float_hook=exact_number)


def canonical(data: Data) -> bytes:
    """Return the canonical form of `data`: JSON with sorted keys, no spaces, defaults left out.

    >>> from schemas.events import Adjustment
    >>> canonical(Adjustment(adjustment_id="a", deal_id="d", amount="-1.50", currency="USD", effective_at="2026-03-01T09:30:00+03:00"))
    b'{"adjustment_id":"a","amount":"-1.5","currency":"USD","deal_id":"d","effective_at":"2026-03-01T06:30:00.000000Z"}'

    Raises Refused for a text that its field cannot hold.
    """
    content = msgspec.structs.replace(data)
    normalise(content)
    return ENCODER.encode(content)


def normalise(data: Data) -> None:
    """Bring `data` into canonical form, in place; raises Refused for a text that its field cannot hold (`schemas.kinds`)."""
    optional = optional_texts(type(data))
    _leave_empty_out(data, optional)
    for name, kind in KINDS.items():
        if kind.one is not None:
            for field in fields_of_kind(type(data), name):
                value = getattr(data, field)
                if value is not None:
                    setattr(data, field, kind.one(value, f"$.data.{field}", data))
    _leave_empty_out(data, optional)  # labels of nothing but blanks
    leave_out = LEAVE_DEFAULTS_OUT.get(type(data).__name__)
    if leave_out is not None:
        leave_out(data)


def _leave_empty_out(data: Any, optional: Iterable[str]) -> None:
    for field in optional:
        if getattr(data, field) == "":
            setattr(data, field, None)


def _touch_defaults(touch: Any) -> None:
    touch.attributes = touch.attributes or None
    if touch.utm is not None:
        _leave_empty_out(touch.utm, Utm.__struct_fields__)
        if all(getattr(touch.utm, name) is None for name in Utm.__struct_fields__):
            touch.utm = None


def _campaign_defaults(campaign: Any) -> None:
    leave_far_out("campaign", campaign)


def _lead_stage_defaults(lead_stage: Any) -> None:
    lead_stage.attributes = lead_stage.attributes or None


def _account_defaults(account: Any) -> None:
    account.revision = account.revision or None
    account.deleted = account.deleted or None


def _deal_defaults(deal: Any) -> None:
    leave_far_out("deal", deal)
    deal.revision = deal.revision or None
    deal.deleted = deal.deleted or None
    deal.contact_ids = deal.contact_ids or None


def _spend_defaults(spend: Any) -> None:
    spend.revision = spend.revision or None
    if spend.ends_on == spend.starts_on:
        spend.ends_on = None


def _identity_defaults(identity: Any) -> None:
    leave_far_out("identity", identity)


LEAVE_DEFAULTS_OUT: Mapping[str, Callable[[Any], None]] = MappingProxyType(
    {
        "Touch": _touch_defaults,
        "Campaign": _campaign_defaults,
        "Spend": _spend_defaults,
        "Account": _account_defaults,
        "LeadStage": _lead_stage_defaults,
        "Deal": _deal_defaults,
        "Identity": _identity_defaults,
    }
)
"""By name of the struct: how fields that say no more than their absence would are left out, in place."""


def content_hash(time: dt.datetime, data: Data) -> int:
    """Return 64 bits of the content, `time` (aware) and `data`: equal for duplicates, different for conflicts."""
    return hash_of((time - EPOCH) // dt.timedelta(microseconds=1), canonical(data))


def hash_of(time_us: int, form: bytes) -> int:
    """Return blake2b, 8 bytes long and read as little endian, over the time's 8 bytes and the canonical form."""
    return int.from_bytes(blake2b(time_us.to_bytes(8, "little", signed=True) + form, digest_size=8).digest(), "little")


def settle(fact_type: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Return which of some ledger rows of one identity wins: the later time, then the larger canonical form as bytes."""
    return max(range(len(rows)), key=lambda number: _weight(fact_type, rows[number]))


def _weight(fact_type: str, row: Mapping[str, Any]) -> tuple[dt.datetime, bytes]:
    time, data = row_to_event(fact_type, row)
    return time, canonical(data)


def row_to_event(fact_type: str, row: Mapping[str, Any]) -> tuple[dt.datetime, Data]:
    """Return the `time` and `data` that a ledger row was made of, in canonical form."""
    struct = BY_FACT_TYPE[fact_type].struct
    values = {name: _text(row[name]) for name in struct.__struct_fields__ if name in row}
    if "attributes" in values and values["attributes"] is not None:
        values["attributes"] = _attributes.decode(values["attributes"])
    if fact_type == "touch":
        values["utm"] = Utm(**{name: row[f"utm_{name}"] for name in Utm.__struct_fields__})
    if fact_type == "identity":
        values |= {side: Node(kind=row[f"{side}_kind"], id=row[f"{side}_id"]) for side in ("left", "right")}
    data = struct(**values)
    normalise(data)
    return row["occurred_at"], data


def _text(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return format(plain(value), "f") if isinstance(value, Decimal) else value
