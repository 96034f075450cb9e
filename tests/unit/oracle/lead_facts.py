"""Leads and deals in a few words, for the tests of the oracle of levels: everything happens in March 2026."""

from __future__ import annotations

import datetime as dt
from typing import Any

from nisba.config import Config
from tests.oracle.levels.passes import Pass, passes
from tests.oracle.levels.world import World, world
from tests.oracle.settled import moment
from tests.strategies import Event, event

UTC = dt.timezone.utc
PLAIN = Config()


def at(text: str) -> str:
    """Return an instant of March 2026: `2` is the second at noon, `2 09:00` an hour of it; a longer text is a date of its own."""
    day, _, clock = text.partition(" ")
    date = day if "-" in day else f"2026-03-{int(day):02}"
    return f"{date}T{clock or '12:00'}{'' if clock.count(':') == 2 else ':00'}Z"


def lead(stage: str, when: str, event_id: str | None = None, lead_id: str = "l", source: str = "crm", **data: Any) -> Event:
    """Return a stage of a lead; its id is its stage and time where none is given."""
    return event("lead-stage", source, event_id or f"{lead_id}/{stage}/{when}", at(when), {"lead_id": lead_id, "stage": stage, **data})


def deal(deal_id: str, opened: str, closed: str | None = None, status: str = "won", changed: str | None = None, **data: Any) -> Event:
    """Return a state of a deal."""
    changed = changed or closed or opened
    usual = {"deal_id": deal_id, "account_id": "a", "stage": "s", "status": status, "opened_at": at(opened)}
    return event("deal", "crm", f"{deal_id}/{status}/{changed}", at(changed), {**usual, "closed_at": closed and at(closed), **data})


def touch(when: str, person: str | None = "p", touch_id: str | None = None, **data: Any) -> Event:
    """Return a click of marketing."""
    usual = {"person_id": person, "channel": "paid", "kind": "click", "team": "marketing"}
    return event("touch", "web", touch_id or f"t/{when}", at(when), usual | data)


def link(left: str, right: str, when: str = "1", op: str = "link", **data: Any) -> Event:
    """Return a link of two nodes, each written `kind:id`."""
    ends = [dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for node in (left, right)]
    return event("identity", "cdp", f"{left}/{right}", at(when), {"op": op, "left": ends[0], "right": ends[1], **data})


def read(*events: Event, config: Config = PLAIN) -> World:
    """Return the world of events."""
    return world(events, config)


def of_lead(*events: Event, config: Config = PLAIN) -> list[Pass]:
    """Return the passes of events."""
    return passes(world(events, config))


def stages_of(one: Pass) -> dict[str, str]:
    """Return when a pass entered its stages, `day hour`, with `?` where that is inferred."""
    return {stage: f"{moment(entered.entered_at):%-d}{'?' * entered.is_inferred}" for stage, entered in one.stages.items()}


def only(rows: list[dict[str, Any]], **where: Any) -> dict[str, Any]:
    """Return the one row that has these values."""
    (row,) = [row for row in rows if where.items() <= row.items()]
    return row
