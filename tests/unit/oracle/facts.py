"""Wire events in a few words, for the tests of the oracle: one deal of account `a`, opened on 1 March and closed on the 31st."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.oracle.settled import Settled, settle
from tests.strategies import Event, event

OPENED = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
CLOSE = dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc)


def at(days_before_close: float) -> str:
    """Return an instant so many days before the close."""
    return (CLOSE - dt.timedelta(days=days_before_close)).isoformat()


def touch(touch_id: str, days_before_close: float, **data: Any) -> Event:
    """Return a click of marketing; it names whom `data` names."""
    usual = {"channel": "paid", "kind": "click", "team": "marketing"}
    return event("touch", "web", touch_id, at(days_before_close), usual | data)


def deal(event_id: str = "e", changed: float = 0, **data: Any) -> Event:
    """Return a state of the deal `d`, won for 100 dollars where `data` says nothing else."""
    usual = {"deal_id": "d", "account_id": "a", "stage": "s", "status": "won", "amount": "100.00", "currency": "USD"}
    dates = {"opened_at": OPENED.isoformat(), "closed_at": CLOSE.isoformat()}
    return event("deal", "crm", event_id, at(changed), usual | dates | data)


def stage(event_id: str, name: str, days_before_close: float, lead: str = "l", **data: Any) -> Event:
    """Return a stage of a lead."""
    return event("lead-stage", "crm", event_id, at(days_before_close), {"lead_id": lead, "stage": name, **data})


def link(event_id: str, left: str, right: str, days_before_close: float = 90, op: str = "link", **data: Any) -> Event:
    """Return a link of two nodes, each written `kind:id`."""
    ends = [dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for node in (left, right)]
    return event("identity", "cdp", event_id, at(days_before_close), {"op": op, "left": ends[0], "right": ends[1], **data})


def refund(adjustment_id: str, amount: str, effective: float = -1, **data: Any) -> Event:
    """Return an adjustment of the deal, in effect so many days before its close."""
    usual = {"adjustment_id": adjustment_id, "deal_id": "d", "amount": amount, "currency": "USD", "effective_at": at(effective)}
    return event("adjustment", "erp", adjustment_id, at(effective), usual | data)


def quote(day: str, base: str, other: str, rate: str) -> Event:
    """Return an exchange rate."""
    return event("fx", "ecb", f"{day}/{base}/{other}", f"{day}T15:00:00Z", {"date": day, "base": base, "quote": other, "rate": rate})


def spend(event_id: str, amount: str, starts_on: str, ends_on: str | None = None, **data: Any) -> Event:
    """Return a cost of campaign `c`."""
    usual = {"campaign_id": "c", "amount": amount, "currency": "USD", "starts_on": starts_on, "ends_on": ends_on}
    return event("spend", "ads", event_id, "2026-03-01T00:00:00Z", usual | data)


def account(account_id: str, changed: float = 0, **data: Any) -> Event:
    """Return what an account is called and where it belongs."""
    return event("account", "crm", f"{account_id}/{changed}", at(changed), {"account_id": account_id, "name": f"{account_id} Ltd", **data})


def settled(*events: Event) -> Settled:
    """Return the facts that remain of events."""
    return settle(events)
