"""The event types: what each one's `data` holds. The wire contract, written as structs.

The fields of a struct are declared in the order of their names, so that encoding one gives sorted keys. Text stays text here:
what a text of each kind may be is said in `schemas.kinds`, and what else is asked of an event in `schemas.rules`.
A field may be added when it is optional. Anything else is a new version of the type, with an upcaster in the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from nisba.config import Team

__all__ = [
    "BY_FACT_TYPE",
    "EVENT_TYPES",
    "Adjustment",
    "Campaign",
    "Data",
    "Deal",
    "Erasure",
    "EventType",
    "Fx",
    "Id",
    "Identity",
    "LeadStage",
    "Node",
    "Retraction",
    "Spend",
    "Touch",
    "Utm",
]

_INSTANT = {"format": "date-time", "description": "RFC 3339 with an offset; digits beyond microseconds are cut off"}
_DATE = {"format": "date"}
_AMOUNT = {
    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    "description": "a decimal string, without more decimals than its currency has, below 10^12 in absolute value",
}
_RATE = {"pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "a decimal string above zero: 1 base = rate quote"}
_CURRENCY = {"description": "ISO 4217 code"}

Id = Annotated[str, Meta(min_length=1, max_length=256, extra={"kind": "id"})]
Ids = Annotated[list[Id], Meta(extra={"kind": "ids"})]
Instant = Annotated[str, Meta(extra={"kind": "instant"}, extra_json_schema=_INSTANT)]
Date = Annotated[str, Meta(extra={"kind": "date"}, extra_json_schema=_DATE)]
Amount = Annotated[str, Meta(extra={"kind": "amount"}, extra_json_schema=_AMOUNT)]
Rate = Annotated[str, Meta(max_length=256, extra={"kind": "rate"}, extra_json_schema=_RATE)]
Currency = Annotated[str, Meta(extra={"kind": "currency"}, extra_json_schema=_CURRENCY)]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"kind": "integer"})]
NodeKind = Literal["visitor", "person", "lead", "account"]


class Data(msgspec.Struct, omit_defaults=True, gc=False):
    """The `data` of an event."""


class Utm(Data, kw_only=True):
    """Campaign parameters of a landing page's address."""

    campaign: str | None = None
    content: str | None = None
    medium: str | None = None
    source: str | None = None
    term: str | None = None


class Touch(Data, kw_only=True):
    """One contact of somebody with us; it names an account, a person or a visitor."""

    account_id: Id | None = None
    attributes: dict[str, Any] | None = None
    campaign_id: Id | None = None
    channel: str
    kind: str
    person_id: Id | None = None
    referrer: str | None = None
    team: Team
    url: str | None = None
    utm: Utm | None = None
    visitor_id: Id | None = None


class Retraction(Data, kw_only=True):
    """A touch that leaves every journey."""

    reason: str | None = None
    touch_id: Id
    touch_source: Id


class Campaign(Data, kw_only=True):
    """A campaign: the register of its name, channel and budget."""

    budget: Amount | None = None
    campaign_id: Id
    campaign_type: str | None = None
    channel: str
    currency: Currency | None = None
    ends_on: Date | None = None
    name: str
    owner: str | None = None
    parent_id: Id | None = None
    starts_on: Date | None = None


class Spend(Data, kw_only=True):
    """What a campaign cost over a range of days, both ends inclusive."""

    amount: Amount
    campaign_id: Id
    clicks: Integer | None = None
    currency: Currency
    ends_on: Date | None = None
    impressions: Integer | None = None
    leads: Integer | None = None
    revision: Integer | None = None
    starts_on: Date


class LeadStage(Data, kw_only=True):
    """A lead reaches a stage."""

    account_id: Id | None = None
    attributes: dict[str, Any] | None = None
    deal_id: Id | None = None
    lead_id: Id
    owner: str | None = None
    person_id: Id | None = None
    reason: str | None = None
    rule_version: str | None = None
    score: float | None = None
    stage: Literal["inquiry", "mql", "sal", "sql", "opportunity", "rejected", "recycled", "customer"]
    team: str | None = None


class Deal(Data, kw_only=True):
    """The full state of a deal after a change."""

    account_id: Id
    amount: Amount | None = None
    closed_at: Instant | None = None
    contact_ids: Ids | None = None
    currency: Currency | None = None
    deal_id: Id
    deal_type: Literal["new", "expansion", "renewal"] | None = None
    deleted: bool | None = None
    lead_source: str | None = None
    list_amount: Amount | None = None
    loss_reason: str | None = None
    next_step: str | None = None
    opened_at: Instant
    owner: str | None = None
    primary_contact_id: Id | None = None
    product: str | None = None
    region: str | None = None
    revision: Integer | None = None
    segment: str | None = None
    stage: str
    status: Literal["open", "won", "lost"]


class Adjustment(Data, kw_only=True):
    """A dated correction to a won deal; a refund is negative."""

    adjustment_id: Id
    amount: Amount
    currency: Currency
    deal_id: Id
    effective_at: Instant
    reason: str | None = None


class Node(Data, kw_only=True):
    """Somebody or something that can be linked."""

    id: Id
    kind: NodeKind


class Identity(Data, kw_only=True):
    """Two nodes are linked, or no longer are."""

    left: Node
    op: Literal["link", "unlink"]
    right: Node


class Fx(Data, kw_only=True):
    """A day's rate: 1 base = rate quote."""

    base: Currency
    date: Date
    quote: Currency
    rate: Rate


class Erasure(Data, kw_only=True):
    """A person or visitor wants to be forgotten."""

    person_id: Id | None = None
    reason: str | None = None
    visitor_id: Id | None = None


@dataclass(frozen=True)
class EventType:
    """A type on the wire: its name with version, the ledger's table, and the struct of its `data`."""

    name: str
    fact_type: str
    struct: type[Data]
    own_id: tuple[str, ...]
    """Fields that make the key of an event that names no account, visitor or person."""

    ACTORS: ClassVar[tuple[tuple[str, str], ...]] = (("account_id", ""), ("visitor_id", "visitor:"), ("person_id", "person:"))


EVENT_TYPES: Mapping[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        EventType("nisba.touch.v1", "touch", Touch, ()),
        EventType("nisba.touch-retraction.v1", "retraction", Retraction, ("touch_id",)),
        EventType("nisba.campaign.v1", "campaign", Campaign, ("campaign_id",)),
        EventType("nisba.spend.v1", "spend", Spend, ("campaign_id",)),
        EventType("nisba.lead-stage.v1", "lead_stage", LeadStage, ("lead_id",)),
        EventType("nisba.deal.v1", "deal", Deal, ("deal_id",)),
        EventType("nisba.adjustment.v1", "adjustment", Adjustment, ("adjustment_id",)),
        EventType("nisba.identity.v1", "identity", Identity, ("left",)),
        EventType("nisba.fx.v1", "fx", Fx, ("base", "quote")),
        EventType("nisba.erasure.v1", "erasure", Erasure, ()),
    )
}
"""Every type that the decoder accepts, by its name on the wire."""


BY_FACT_TYPE: Mapping[str, EventType] = {event_type.fact_type: event_type for event_type in EVENT_TYPES.values()}
"""The newest event type of each table of the ledger."""
