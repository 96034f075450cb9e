"""Facts of simulated events, read as figures read them: deals in register order, passes of leads, business time, who is whose.

Written from the rules of the figures alone, in plain Python and slowly; nothing of the simulator is used.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from nisba.config import Config

UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
RANKS = {stage: rank for rank, stage in enumerate(("inquiry", "mql", "sal", "sql", "opportunity", "customer"), start=1)}
ENDS = ("rejected", "recycled")

Event = dict[str, Any]


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@dataclass(frozen=True)
class State:
    at: dt.datetime
    data: Event

    @property
    def status(self) -> str:
        return str(self.data["status"])

    @property
    def closed(self) -> dt.datetime | None:
        return instant(self.data["closed_at"]) if "closed_at" in self.data else None


@dataclass(frozen=True)
class Deal:
    """A deal's states in register order."""

    id: str
    states: list[State]

    @property
    def last(self) -> State:
        return self.states[-1]

    @property
    def opened(self) -> dt.datetime:
        """When it was opened, or closed where that was before."""
        opened, closed = instant(self.last.data["opened_at"]), self.last.closed
        return min(opened, closed) if self.last.status != "open" and closed is not None else opened

    def at(self, moment: dt.datetime) -> int:
        """Return the number of its state at an instant, or -1."""
        return max((number for number, state in enumerate(self.states) if state.at <= moment), default=-1)


@dataclass(frozen=True)
class Facts:
    """Everything that is asked of the events."""

    config: Config
    deals: dict[str, Deal]
    adjustments: list[Event]
    leads: dict[str, list[tuple[dt.datetime, Event]]]
    touches: dict[str, list[tuple[dt.datetime, Event]]]  # by the group of ids that they belong to
    group_of: dict[str, str]
    segment_of: dict[str, str]  # of accounts
    as_of: dt.datetime


def read(directory: Path, config: Config) -> Facts:
    """Read the events of a simulation without accidents on the way."""
    events: dict[str, list[Event]] = defaultdict(list)
    for file in sorted(directory.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            event = msgspec.json.decode(line)
            events[event["type"].split(".")[1]].append(event)
    group_of = _groups(events)
    seen = [instant(event["time"]) for name in ("deal", "lead-stage") for event in events[name]]
    return Facts(
        config=config,
        deals={deal.id: deal for deal in _deals(events["deal"]) if not deal.last.data.get("deleted")},
        adjustments=[event["data"] for event in events["adjustment"]],
        leads=_leads(events["lead-stage"]),
        touches=_touches(events, group_of),
        group_of=group_of,
        segment_of={group_of["account:" + event["data"]["account_id"]]: event["data"]["segment"] for event in events["account"]},
        as_of=max(seen),
    )


def _deals(events: list[Event]) -> Iterator[Deal]:
    states: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        states[event["data"]["deal_id"]].append(event)
    for deal_id, rows in states.items():
        rows.sort(key=lambda event: (event["data"].get("revision", 0), instant(event["time"])))
        yield Deal(deal_id, [State(instant(event["time"]), event["data"]) for event in rows])


def _leads(events: list[Event]) -> dict[str, list[tuple[dt.datetime, Event]]]:
    found: dict[str, list[tuple[dt.datetime, Event]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (instant(event["time"]), event["source"], event["id"])):
        found[event["data"]["lead_id"]].append((instant(event["time"]), event["data"]))
    return found


def _groups(events: dict[str, list[Event]]) -> dict[str, str]:
    """Put everything together that any event ever names together: more than identity would, never less."""
    parent: dict[str, str] = {}

    def find(node: str) -> str:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for event in (event for name in ("touch", "lead-stage", "deal", "account") for event in events[name]):
        data = event["data"]
        nodes = [f"{kind}:{data[f'{kind}_id']}" for kind in ("account", "person", "visitor", "lead") if f"{kind}_id" in data]
        nodes += [f"person:{contact}" for contact in data.get("contact_ids", [])]
        for node in nodes:
            parent[find(node)] = find(nodes[0])
    for event in events["identity"]:
        left, right = (f"{side['kind']}:{side['id']}" for side in (event["data"]["left"], event["data"]["right"]))
        parent[find(left)] = find(right)
    return {node: find(node) for node in list(parent)}


def _touches(events: dict[str, list[Event]], group_of: dict[str, str]) -> dict[str, list[tuple[dt.datetime, Event]]]:
    gone = {(event["data"]["touch_source"], event["data"]["touch_id"]) for event in events["touch-retraction"]}
    found: dict[str, list[tuple[dt.datetime, Event]]] = defaultdict(list)
    for event in events["touch"]:
        data = event["data"]
        if data["kind"] != "impression" and (event["source"], event["id"]) not in gone:
            node = next(f"{kind}:{data[f'{kind}_id']}" for kind in ("account", "person", "visitor") if f"{kind}_id" in data)
            found[group_of[node]].append((instant(event["time"]), data))
    return found


def passes(rows: list[tuple[dt.datetime, Event]]) -> Iterator[list[tuple[dt.datetime, Event]]]:
    """Cut a lead's events: an inquiry or MQL strictly later than an end of the same pass begins the next one."""
    one: list[tuple[dt.datetime, Event]] = []
    for at, data in rows:
        if data["stage"] in ("inquiry", "mql") and any(end < at for end, each in one if each["stage"] in ENDS):
            yield one
            one = []
        one.append((at, data))
    yield one


def firsts(facts: Facts, one: list[tuple[dt.datetime, Event]]) -> dict[int, dt.datetime]:
    """Return the first time of each rank in a pass, those of its deals included."""
    found: dict[int, dt.datetime] = {}
    named = {data["deal_id"] for _, data in one if "deal_id" in data}
    times = [(RANKS[data["stage"]], at) for at, data in one if data["stage"] in RANKS]
    for deal in (facts.deals[name] for name in named if name in facts.deals):
        times.append((5, max(deal.opened, one[0][0])))
        if deal.last.status == "won":
            assert deal.last.closed is not None
            times.append((6, max(deal.last.closed, one[0][0])))
    for rank, at in times:
        found[rank] = min(at, found.get(rank, at))
    return found


def entered(first: dict[int, dt.datetime], rank: int) -> dt.datetime | None:
    """Return when a pass came to a rank, if it did."""
    return min(at for other, at in first.items() if other >= rank) if min(first) <= rank <= max(first) else None


def business_time(config: Config, since: dt.datetime, hours: int) -> dt.datetime:
    """Return the first instant at which so many hours of business time have passed since an instant."""
    firm = config.business_hours
    zone, names = ZoneInfo(firm.time_zone), ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    left, day = dt.timedelta(hours=hours), since.astimezone(zone).date()
    while True:
        if names[day.weekday()] in firm.days and day not in firm.holidays:
            opens, closes = (dt.datetime.combine(day, dt.time.fromisoformat(text), zone) for text in (firm.opens, firm.closes))
            begins = max(opens.astimezone(UTC), since)
            open_for = closes.astimezone(UTC) - begins
            if open_for >= left:
                return begins + left
            left -= max(open_for, dt.timedelta(0))
        day += DAY


def month_ends(first: dt.datetime, last: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the first instant of every month and the one at which it is looked at: its last microsecond, or `last`."""
    begins = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while begins <= last:
        ends = (begins + 32 * DAY).replace(day=1)
        yield begins, min(ends - dt.timedelta(microseconds=1), last)
        begins = ends
