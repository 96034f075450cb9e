"""Events as people write them → settled facts (semantics §1): conflicts, registers, retractions.

An event here is the JSON object of the wire: `{"type", "source", "id", "time", "data"}`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from nisba.config import Config

__all__ = ["Event", "Settled", "canonical", "day_of", "instant", "moment", "register_order", "settle", "zone_of"]

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$")

TYPES = {
    "touch": "account_id person_id visitor_id channel kind team campaign_id url referrer utm attributes",
    "touch-retraction": "touch_source touch_id reason",
    "campaign": "campaign_id name channel campaign_type parent_id starts_on ends_on budget currency owner",
    "spend": "campaign_id starts_on amount currency ends_on impressions clicks leads revision",
    "lead-stage": "lead_id stage person_id account_id deal_id owner team reason score rule_version attributes",
    "deal": "deal_id account_id stage status opened_at amount currency closed_at revision deal_type owner segment region product"
    " lead_source list_amount contact_ids primary_contact_id loss_reason next_step deleted",
    "adjustment": "adjustment_id deal_id amount currency effective_at reason",
    "identity": "op left right",
    "fx": "date base quote rate",
    "erasure": "person_id visitor_id reason",
}
"""The known fields of each type, as events.md lists them."""

DECIMALS = {"amount", "budget", "list_amount", "rate"}
INSTANTS = {"opened_at", "closed_at", "effective_at"}
DEFAULTS: dict[str, Any] = {"revision": 0, "deleted": False, "contact_ids": []}


@dataclass(frozen=True)
class Event:
    """One settled fact; `time` in microseconds since 1970, decimals as Decimal, instants in `data` as microseconds."""

    type: str
    source: str
    id: str
    time: int
    data: dict[str, Any] = field(hash=False)

    def get(self, name: str) -> Any:
        """Return a field of `data`, None where it is absent."""
        return self.data.get(name)


def instant(text: str) -> int:
    """Read an RFC 3339 time with an offset: microseconds since 1970, further digits cut off.

    >>> instant("1970-01-01T02:00:00.0000019+02:00")
    1
    """
    match = RFC3339.match(text)
    assert match, text
    day, clock, fraction, offset = match.groups()
    whole = dt.datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    return (whole - EPOCH) // dt.timedelta(microseconds=1) + int(((fraction or "") + "000000")[:6])


def moment(time: int) -> dt.datetime:
    """Return an instant as a datetime in UTC."""
    return EPOCH + dt.timedelta(microseconds=time)


def day_of(time: int, zone: dt.tzinfo) -> dt.date:
    """Return the date of an instant in the reporting time zone."""
    return moment(time).astimezone(zone).date()


def canonical(type_name: str, data: dict[str, Any]) -> bytes:
    """Return the canonical form of `data` (§1, *Canonical form*)."""
    kept = {}
    for name in TYPES[type_name].split():
        value = data.get(name)
        is_default = value == DEFAULTS.get(name) or (type_name == "spend" and name == "ends_on" and value == data["starts_on"])
        if value is not None and not is_default:
            kept[name] = _canonical_value(name, value)
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _canonical_value(name: str, value: Any) -> Any:
    if name in DECIMALS:
        return _without_trailing_zeros(value)
    if name in INSTANTS:
        return moment(instant(value)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value


def _without_trailing_zeros(text: str) -> str:
    plain = format(Decimal(text), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


@dataclass(frozen=True)
class Settled:
    """Everything that the books are made of: one event per identity, by type."""

    events: dict[str, list[Event]]

    def of(self, type_name: str) -> list[Event]:
        """Return the events of one type, without retracted touches."""
        events = self.events.get(type_name, [])
        if type_name != "touch":
            return events
        retracted = {(r.get("touch_source"), r.get("touch_id")) for r in self.of("touch-retraction")}
        return [touch for touch in events if (touch.source, touch.id) not in retracted]

    def register(self, type_name: str, key: Callable[[Event], Hashable]) -> dict[Any, Event]:
        """Return the winner of each register."""
        winners: dict[Hashable, Event] = {}
        for event in self.of(type_name):
            current = winners.setdefault(key(event), event)
            if register_order(event) > register_order(current):
                winners[key(event)] = event
        return winners


def register_order(event: Event) -> tuple[int, int, str, str]:
    """Return the key by which two events about one register are compared: the higher wins.

    Python compares strings by code point, which is the order of their UTF-8 bytes.
    """
    return (event.get("revision") or 0, event.time, event.source, event.id)


def settle(events: Iterable[dict[str, Any]]) -> Settled:
    """Keep one event per identity: the later time wins, then the larger canonical form."""
    best: dict[tuple[str, str, str], tuple[int, bytes, dict[str, Any]]] = {}
    for event in events:
        name = type_name_of(event)
        content = (instant(event["time"]), canonical(name, event["data"]))
        identity = (name, event["source"], event["id"])
        if identity not in best or content > best[identity][:2]:
            best[identity] = (*content, event["data"])
    by_type: dict[str, list[Event]] = {}
    for (name, source, event_id), (time, _, data) in best.items():
        by_type.setdefault(name, []).append(Event(name, source, event_id, time, _parsed(name, data)))
    return Settled(by_type)


def type_name_of(event: dict[str, Any]) -> str:
    """Return the type without its prefix and version: `nisba.touch.v1` → `touch`."""
    return str(event["type"]).split(".")[1]


def _parsed(type_name: str, data: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in TYPES[type_name].split():
        value = data.get(name)
        if value is None:
            continue
        if name in DECIMALS:
            value = Decimal(value)
        elif name in INSTANTS:
            value = instant(value)
        elif name in ("starts_on", "ends_on", "date"):
            value = dt.date.fromisoformat(value)
        out[name] = value
    return out


def zone_of(config: Config) -> dt.tzinfo:
    """Return the reporting time zone."""
    return ZoneInfo(config.reporting.time_zone)
