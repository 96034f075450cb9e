"""What the CRM says about leads: their stages, with rejections and second chances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.catalogue import SDRS
from simulator.clock import DAY, utc_instant
from simulator.deals import Row
from simulator.leads import PATHS, Leads
from simulator.naming import account_id, deal_id, lead_id, person_id
from simulator.outcomes import Outcomes
from simulator.world import World

__all__ = ["lead_events"]

_Stage = tuple[int, str, dict[str, Any]]  # when, stage, further fields


def lead_events(world: World, outcomes: Outcomes, leads: Leads) -> Iterator[Row]:
    """Yield the stages of all leads up to the end of the simulation."""
    for number, (deal, account) in enumerate(zip(leads.deal.tolist(), leads.account.tolist(), strict=True)):
        inquiry = int(leads.inquiry[number])
        stages = _to_a_deal(world, outcomes, deal, inquiry) if deal >= 0 else _idle(inquiry, int(leads.path[number]))
        offset = int(world.accounts.offset[account])
        for nth, (at, stage, extra) in enumerate(stages):
            if at < world.end:
                yield at, _event(leads, number, nth, at, stage, offset, extra)


def _to_a_deal(world: World, outcomes: Outcomes, deal: int, inquiry: int) -> list[_Stage]:
    """A lead that became a deal; a third of them were rejected once and came back."""
    opened, name = int(world.deals.opened[deal]), deal_id(deal)
    gap = opened - inquiry
    stages: list[_Stage] = [(inquiry, "inquiry", {}), (inquiry + gap // 8, "mql", {"score": 40 + deal % 60, "rule_version": "fit-v3"})]
    if gap > 40 * DAY and deal % 3 == 0:
        stages += [
            (inquiry + gap // 4, "recycled", {"reason": "bad_timing"}),
            (inquiry + gap // 2, "mql", {"score": 70, "rule_version": "fit-v3"}),
        ]
    stages += [(inquiry + gap * 3 // 4, "sal", {}), (inquiry + gap * 7 // 8, "sql", {}), (opened, "opportunity", {"deal_id": name})]
    if outcomes.won[deal]:
        stages.append((int(world.deals.close[deal]) + 3600, "customer", {"deal_id": name}))
    return stages


def _idle(inquiry: int, path: int) -> list[_Stage]:
    rest = [(inquiry + days * DAY, stage, {"reason": reason} if reason else {}) for stage, days, reason in PATHS[path][1]]
    return [(inquiry, "inquiry", {}), *rest]


def _event(leads: Leads, number: int, nth: int, at: int, stage: str, offset: int, extra: dict[str, Any]) -> dict[str, Any]:
    """From the MQL on we know the person and the account, unless an identity event tells (or nobody does)."""
    data: dict[str, Any] = {"lead_id": lead_id(number), "stage": stage}
    if nth and leads.conversion[number] == 0:
        data["person_id"] = person_id(int(leads.person[number]))
    if stage in ("sal", "sql", "opportunity", "customer"):
        data["account_id"] = account_id(int(leads.account[number]))
    if nth:
        data |= {"owner": SDRS[number % len(SDRS)], "team": "marketing" if stage == "mql" else "sales"}
    return {
        "id": f"{lead_id(number)}/{nth}",
        "source": "crm",
        "type": "nisba.lead-stage.v1",
        "time": utc_instant(at, offset),
        "data": data | extra,
    }
