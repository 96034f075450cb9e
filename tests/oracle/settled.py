"""Events as people write them → settled facts (semantics §1): one form for each content, conflicts, registers, retractions.

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
from tests.oracle.labels import LABELS, normal_label

__all__ = ["Event", "Settled", "canonical", "day_of", "end_of_day", "instant", "moment", "register_order", "settle", "zone_of"]

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d(?::?\d\d)?)$")
FIRST_DAY, DAY_AFTER_LAST = dt.date(1970, 1, 1), dt.date(2200, 1, 1)

TYPES = {
    "touch": "account_id person_id visitor_id channel kind team campaign_id url referrer utm attributes",
    "touch-retraction": "touch_source touch_id reason",
    "campaign": "campaign_id name channel campaign_type parent_id same_as starts_on ends_on budget currency owner",
    "spend": "campaign_id spend_id starts_on amount currency ends_on impressions clicks leads revision",
    "account": "account_id name segment region industry employees owner parent_id revision deleted",
    "lead-stage": "lead_id stage person_id account_id deal_id owner team reason score rule_version attributes",
    "deal": "deal_id account_id name stage status opened_at opened_on amount currency closed_at closed_on revision deal_type owner segment"
    " region product lead_source list_amount contact_ids primary_contact_id loss_reason next_step deleted",
    "adjustment": "adjustment_id deal_id amount currency effective_at effective_on reason",
    "identity": "op left right since until",
    "fx": "date base quote rate",
    "erasure": "person_id visitor_id reason",
}
"""The known fields of each type, as events.md lists them."""

DECIMALS = {"amount", "budget", "list_amount", "rate"}
INSTANTS = {"opened_at", "closed_at", "effective_at", "since", "until"}
DATES = {"starts_on", "ends_on", "opened_on", "closed_on", "effective_on", "date"}
DEFAULTS: dict[str, Any] = {"revision": 0, "deleted": False, "contact_ids": [], "utm": {}, "attributes": {}}
RANKS = {"open": 0, "lost": 1, "won": 2}


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
    hours = "+00:00" if offset in "Zz" else f"{offset[:3]}:{offset[3:].lstrip(':') or '00'}"
    whole = dt.datetime.fromisoformat(f"{day}T{clock}{hours}")
    return (whole - EPOCH) // dt.timedelta(microseconds=1) + int(((fraction or "") + "000000")[:6])


def moment(time: int) -> dt.datetime:
    """Return an instant as a datetime in UTC."""
    return EPOCH + dt.timedelta(microseconds=time)


def day_of(time: int, zone: dt.tzinfo) -> dt.date:
    """Return the date of an instant in the reporting time zone."""
    return moment(time).astimezone(zone).date()


def end_of_day(day: dt.date, zone: dt.tzinfo) -> int:
    """Return the last microsecond of a date: the one before the earliest instant whose local date is a later one.

    Found by trying: every instant from a day and a half before its midnight of UTC to two days after, hour by hour, then finer.

    >>> end_of_day(dt.date(1970, 1, 1), dt.timezone.utc)
    86399999999
    """
    midnight = (dt.datetime(day.year, day.month, day.day, tzinfo=dt.timezone.utc) - EPOCH) // dt.timedelta(microseconds=1)
    low, step = midnight - 36 * 3_600_000_000, 900_000_000  # no zone changes its offset twice within a quarter of an hour
    while day_of(low + step, zone) <= day:
        low += step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if day_of(middle, zone) <= day else (low, middle)
    return low


def canonical(type_name: str, data: dict[str, Any]) -> bytes:
    """Return the canonical form of `data` (§1, *Canonical form*)."""
    kept = {name: _canonical_value(type_name, name, value) for name, value in _said(type_name, data).items()}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _said(type_name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the known fields that say something: labels in their form, none that is null, empty, far away or equal to its default."""
    said = {}
    for name in TYPES[type_name].split():
        value = data.get(name)
        if name in LABELS.get(type_name, ()) and value is not None:
            value = normal_label(value, name)
        if name == "utm" and value is not None:
            value = {key: text for key, text in value.items() if text not in (None, "")}
        is_default = value == DEFAULTS.get(name) or (type_name == "spend" and name == "ends_on" and value == data["starts_on"])
        if value not in (None, "") and not is_default and not (_may_be_far(type_name, name, data) and _is_far(name, value)):
            said[name] = value
    return said


def _may_be_far(type_name: str, name: str, data: dict[str, Any]) -> bool:
    """Tell whether a date that nobody can mean (0001-01-01, 9999-12-31) counts as null there."""
    if type_name == "deal":
        return name in ("closed_at", "closed_on") and data.get("status") == "open"
    return (type_name, name) in {("identity", "since"), ("identity", "until"), ("campaign", "starts_on"), ("campaign", "ends_on")}


def _is_far(name: str, text: str) -> bool:
    day = dt.date.fromisoformat(text) if name in DATES else EPOCH.date() + dt.timedelta(days=instant(text) // 86_400_000_000)
    return not FIRST_DAY <= day < DAY_AFTER_LAST


def _canonical_value(type_name: str, name: str, value: Any) -> Any:
    if name in DECIMALS:
        return _without_trailing_zeros(value)
    if name in INSTANTS:
        return moment(instant(value)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return _by_value(value) if name in ("score", "attributes") else value


def _by_value(value: Any) -> Any:
    """Return JSON in which a number that is whole is written so."""
    if isinstance(value, dict):
        return {key: _by_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_by_value(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


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


def register_order(event: Event) -> tuple[int, int, int, str, str]:
    """Return the key by which two events about one register are compared: the higher wins.

    Python compares strings by code point, which is the order of their UTF-8 bytes.
    """
    return (event.get("revision") or 0, event.time, _rank(event), event.source, event.id)


def _rank(event: Event) -> int:
    """Return how far a deal is in a state: what decides between states of one instant."""
    if event.type != "deal":
        return 0
    return 3 if event.get("deleted") else RANKS[event.get("status")]


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
    return {name: _parsed_value(name, value) for name, value in _said(type_name, data).items()}


def _parsed_value(name: str, value: Any) -> Any:
    if name in DECIMALS:
        return Decimal(value)
    if name in INSTANTS:
        return instant(value)
    return dt.date.fromisoformat(value) if name in DATES else value


def zone_of(config: Config) -> dt.tzinfo:
    """Return the reporting time zone."""
    return ZoneInfo(config.reporting.time_zone)
