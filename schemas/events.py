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
    "Account",
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

_INSTANT = {"format": "date-time", "description": "RFC 3339 with an offset, +0300 and +03 too; digits beyond microseconds are cut off"}
_DATE = {"format": "date"}
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_AMOUNT = {
    "pattern": _DECIMAL,
    "description": "a decimal string, without more decimals than its currency has, below 10^15 in absolute value",
}
_COST = {"pattern": _DECIMAL, "description": "a decimal string with up to six decimals in any currency, below 10^12 in absolute value"}
_RATE = {"pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "a decimal string from 10^-12 to 10^12: 1 base = rate quote"}
_CURRENCY = {"description": "ISO 4217 code"}
_COUNT = {"maximum": 10**15 - 1}
_NOT_EMPTY = {"minLength": 1}

# What is required is not empty. What is optional may be: an empty text is none.
Id = Annotated[str, Meta(min_length=1, max_length=256, extra={"kind": "id"})]
OptionalId = Annotated[str, Meta(max_length=256, extra={"kind": "id"})]
Ids = Annotated[list[Id], Meta(extra={"kind": "ids"})]
Name = Annotated[str, Meta(extra={"kind": "text"}, extra_json_schema=_NOT_EMPTY)]
Text = Annotated[str, Meta(extra={"kind": "text"})]
Label = Annotated[str, Meta(extra={"kind": "label"})]
RequiredLabel = Annotated[str, Meta(extra={"kind": "label"}, extra_json_schema=_NOT_EMPTY)]
LowerCaseLabel = Annotated[str, Meta(extra={"kind": "lower_case_label"}, extra_json_schema=_NOT_EMPTY)]
Instant = Annotated[str, Meta(extra={"kind": "instant"}, extra_json_schema=_INSTANT)]
Date = Annotated[str, Meta(extra={"kind": "date"}, extra_json_schema=_DATE)]
Amount = Annotated[str, Meta(extra={"kind": "amount"}, extra_json_schema=_AMOUNT)]
Cost = Annotated[str, Meta(extra={"kind": "cost"}, extra_json_schema=_COST)]
Rate = Annotated[str, Meta(max_length=256, extra={"kind": "rate"}, extra_json_schema=_RATE)]
Currency = Annotated[str, Meta(extra={"kind": "currency"}, extra_json_schema=_CURRENCY)]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"kind": "integer"})]
Count = Annotated[int, Meta(ge=-(2**63), extra={"kind": "count"}, extra_json_schema=_COUNT)]
Number = Annotated[float, Meta(extra={"kind": "number"})]
NodeKind = Literal["visitor", "person", "lead", "account"]


class Data(msgspec.Struct, omit_defaults=True, gc=False):
    """The `data` of an event."""


class Utm(Data, kw_only=True):
    """Campaign parameters of a landing page's address."""

    campaign: Text | None = None
    content: Text | None = None
    medium: Text | None = None
    source: Text | None = None
    term: Text | None = None


class Touch(Data, kw_only=True):
    """One contact of somebody with us; it names an account, a person or a visitor."""

    account_id: OptionalId | None = None
    attributes: dict[str, Any] | None = None
    campaign_id: OptionalId | None = None
    channel: LowerCaseLabel
    kind: LowerCaseLabel
    person_id: OptionalId | None = None
    referrer: Text | None = None
    team: Team
    url: Text | None = None
    utm: Utm | None = None
    visitor_id: OptionalId | None = None


class Retraction(Data, kw_only=True):
    """A touch that leaves every journey."""

    reason: Text | None = None
    touch_id: Id
    touch_source: Id


class Campaign(Data, kw_only=True):
    """A campaign: the register of its name, channel and budget."""

    budget: Amount | None = None
    campaign_id: Id
    campaign_type: Label | None = None
    channel: LowerCaseLabel
    currency: Currency | None = None
    ends_on: Date | None = None
    name: Name
    owner: Text | None = None
    parent_id: OptionalId | None = None
    same_as: OptionalId | None = None
    starts_on: Date | None = None


class Spend(Data, kw_only=True):
    """What a campaign cost over a range of days, both ends inclusive."""

    amount: Cost
    campaign_id: Id
    clicks: Count | None = None
    currency: Currency
    ends_on: Date | None = None
    impressions: Count | None = None
    leads: Count | None = None
    revision: Integer | None = None
    spend_id: OptionalId | None = None
    starts_on: Date


class Account(Data, kw_only=True):
    """What a firm is called, and where it belongs."""

    account_id: Id
    deleted: bool | None = None
    employees: Integer | None = None
    industry: Text | None = None
    name: Text | None = None
    owner: Text | None = None
    parent_id: OptionalId | None = None
    region: Label | None = None
    revision: Integer | None = None
    segment: Label | None = None


class LeadStage(Data, kw_only=True):
    """A lead reaches a stage."""

    account_id: OptionalId | None = None
    attributes: dict[str, Any] | None = None
    deal_id: OptionalId | None = None
    lead_id: Id
    owner: Text | None = None
    person_id: OptionalId | None = None
    reason: Text | None = None
    rule_version: Text | None = None
    score: Number | None = None
    stage: Literal["inquiry", "mql", "sal", "sql", "opportunity", "rejected", "recycled", "customer"]
    team: Text | None = None


class Deal(Data, kw_only=True):
    """The full state of a deal after a change."""

    account_id: OptionalId | None = None
    amount: Amount | None = None
    closed_at: Instant | None = None
    closed_on: Date | None = None
    contact_ids: Ids | None = None
    currency: Currency | None = None
    deal_id: Id
    deal_type: Label | None = None
    deleted: bool | None = None
    lead_source: Label | None = None
    list_amount: Amount | None = None
    loss_reason: Label | None = None
    name: Text | None = None
    next_step: Label | None = None
    opened_at: Instant | None = None
    opened_on: Date | None = None
    owner: Text | None = None
    primary_contact_id: OptionalId | None = None
    product: Label | None = None
    region: Label | None = None
    revision: Integer | None = None
    segment: Label | None = None
    stage: RequiredLabel
    status: Literal["open", "won", "lost"]


class Adjustment(Data, kw_only=True):
    """A dated correction to a won deal; a refund is negative."""

    adjustment_id: Id
    amount: Amount
    currency: Currency
    deal_id: Id
    effective_at: Instant | None = None
    effective_on: Date | None = None
    reason: Text | None = None


class Node(Data, kw_only=True):
    """Somebody or something that can be linked."""

    id: Id
    kind: NodeKind


class Identity(Data, kw_only=True):
    """Two nodes are linked, or no longer are; a membership in an account may have held from and until an instant only."""

    left: Node
    op: Literal["link", "unlink"]
    right: Node
    since: Instant | None = None
    until: Instant | None = None


class Fx(Data, kw_only=True):
    """A day's rate: 1 base = rate quote."""

    base: Currency
    date: Date
    quote: Currency
    rate: Rate


class Erasure(Data, kw_only=True):
    """A person or visitor wants to be forgotten."""

    person_id: OptionalId | None = None
    reason: Text | None = None
    visitor_id: OptionalId | None = None


@dataclass(frozen=True)
class EventType:
    """A type on the wire: its name with version, the ledger's table, and the struct of its `data`."""

    name: Name
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
        EventType("nisba.account.v1", "account", Account, ("account_id",)),
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
