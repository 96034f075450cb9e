"""Facts of a company small enough to draw: two accounts with a visitor between them, a third linked to one, a fourth far away.

acme ─ p-1 ─ v-1 ─ p-2 ─ beta, acme.de ─ link ─ acme, and far with p-9 and v-9 of its own. Deals: d-1 of acme, d-2 of beta, d-9 of far.
"""

from __future__ import annotations

from typing import Any

from tests.strategies import Event, event
from tests.unit.warehouse.landing import deal, touch

TIME = "2026-01-02T00:00:00Z"


def link(event_id: str, left: tuple[str, str], right: tuple[str, str], op: str = "link", **window: str) -> Event:
    """Return a link of two nodes, (kind, id) each; `window` may say since and until when."""
    sides = {side: {"kind": kind, "id": id_} for side, (kind, id_) in (("left", left), ("right", right))}
    return event("identity", "crm", event_id, TIME, {"op": op, **sides, **window})


def account(event_id: str, account_id: str) -> Event:
    """Return what an account is called."""
    return event("account", "crm", event_id, TIME, {"account_id": account_id, "name": account_id.title()})


def adjustment(event_id: str, deal_id: str, adjustment_id: str = "a-1", time: str = "2026-03-01T00:00:00Z", **data: Any) -> Event:
    """Return a refund of a dollar."""
    fixed = {"adjustment_id": adjustment_id, "deal_id": deal_id, "amount": "-1.00", "currency": "USD", "effective_at": time}
    return event("adjustment", "erp", event_id, time, fixed | data)


def lead(event_id: str, **data: Any) -> Event:
    """Return a lead that became qualified."""
    return event("lead-stage", "crm", event_id, TIME, {"lead_id": "l-1", "stage": "mql"} | data)


def spend(event_id: str, campaign_id: str, day: str, currency: str = "USD") -> Event:
    """Return the cost of a day."""
    return event("spend", "ads", event_id, TIME, {"campaign_id": campaign_id, "starts_on": day, "amount": "5.00", "currency": currency})


def rate(event_id: str, date: str) -> Event:
    """Return a rate of the euro."""
    return event("fx", "ecb", event_id, TIME, {"date": date, "base": "EUR", "quote": "USD", "rate": "1.1"})


def retraction(touch_id: str) -> Event:
    """Return the retraction of a touch."""
    return event("touch-retraction", "web", f"r-{touch_id}", TIME, {"touch_source": "web", "touch_id": touch_id})


COMPANY: tuple[Event, ...] = (
    touch("t-acme", account_id="acme"),
    touch("t-p1", account_id=None, person_id="p-1"),
    touch("t-v1", account_id=None, visitor_id="v-1"),
    touch("t-beta", account_id="beta", person_id="p-2"),
    touch("t-far", account_id="far", person_id="p-9", visitor_id="v-9"),
    link("i-1", ("person", "p-1"), ("account", "acme")),
    link("i-2", ("visitor", "v-1"), ("person", "p-1")),
    link("i-3", ("visitor", "v-1"), ("person", "p-2")),
    link("i-4", ("account", "acme"), ("account", "acme.de")),
    deal("e-1", deal_id="d-1", account_id="acme"),
    deal("e-2", deal_id="d-2", account_id="beta", currency="EUR"),
    deal("e-9", deal_id="d-9", account_id="far", contact_ids=["p-9"]),
    lead("l-e1", lead_id="l-1", person_id="p-2"),
    lead("l-e9", lead_id="l-9", deal_id="d-9"),
    adjustment("m-1", "d-1", "a-1"),
    adjustment("m-2", "nowhere", "a-1", "2026-02-20T00:00:00Z"),
    adjustment("m-9", "d-9", "a-9"),
    spend("k-1", "c-1", "2026-02-01"),
    spend("k-2", "c-2", "2026-02-01", "EUR"),
    event("campaign", "ads", "c-e1", TIME, {"campaign_id": "c-1", "name": "Fair", "channel": "event"}),
    retraction("t-gone"),
    rate("f-1", "2026-02-09"),
)
