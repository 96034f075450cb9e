"""What the CRM says about leads: one event per step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.catalogue import SDRS
from simulator.clock import utc_instant
from simulator.deals import Row
from simulator.lead_paths import Step
from simulator.leads import Leads
from simulator.naming import account_id, deal_id, lead_id, person_id
from simulator.world import World

__all__ = ["lead_events"]

_SALES = ("sal", "sql", "opportunity", "customer")


def lead_events(world: World, leads: Leads, paths: list[list[Step]]) -> Iterator[Row]:
    """Yield the events of all leads."""
    offset = [*world.accounts.offset.tolist(), 0]  # the last is that of strangers
    for number, (steps, account) in enumerate(zip(paths, leads.account.tolist(), strict=True)):
        for nth, step in enumerate(steps):
            yield step.at, _event(leads, number, nth, step, offset[account])


def _event(leads: Leads, number: int, nth: int, step: Step, offset: int) -> dict[str, Any]:
    """A form says who it is, unless an identity event tells (or nobody does); the account is known from the SAL on."""
    data: dict[str, Any] = {"lead_id": lead_id(number), "stage": step.stage}
    if leads.conversion[number] == 0:
        data["person_id"] = person_id(int(leads.person[number]))
    if step.stage in _SALES:
        data["account_id"] = account_id(int(leads.account[number]))
    if step.stage in ("opportunity", "customer"):
        data["deal_id"] = deal_id(int(leads.deal[number]))
    if nth:
        data |= {"owner": SDRS[number % len(SDRS)], "team": "marketing" if step.stage == "mql" else "sales"}
    return {
        "id": f"{lead_id(number)}/{nth}",
        "source": "crm",
        "type": "nisba.lead-stage.v1",
        "time": utc_instant(step.at, offset),
        "data": data | step.said,
    }
