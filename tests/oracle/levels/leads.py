"""Leads and the stages of their passes (figures §1): `core.lead`, `core.lead_stage`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.oracle.levels.passes import RANKS, Pass, latest, leads_of
from tests.oracle.levels.passes import account_of as _account_of
from tests.oracle.levels.world import NONE, World
from tests.oracle.settled import moment

__all__ = ["Row", "lead", "lead_stage", "segments_of"]

Row = dict[str, Any]


def segments_of(segment: str | None, channel: str, owner: str | None) -> list[tuple[str, str]]:
    """Return the segments that a lead is counted in, by kind."""
    return [("all", "all"), ("segment", segment or NONE), ("channel", channel), ("owner", owner or NONE)]


def lead(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per lead; one that was only ever turned away has no stage."""
    rows = []
    for lead_id, events in leads_of(world).items():
        last = [one for one in passes if one.lead_id == lead_id][-1]
        rows.append(
            {
                "lead_id": lead_id,
                "passes": last.pass_no,
                "first_at": moment(events[0].time),
                "current_stage": last.highest,
                "person_id": last.person_id,
                "account_id": _account_of(world, events, last.person_id),
                "segment": last.segment,
                "owner": latest(events, lambda event: event.get("owner")),
                "team": latest(events, lambda event: event.get("team")),
            }
        )
    return rows


def lead_stage(world: World, passes: Iterable[Pass]) -> list[Row]:
    """Return one row per lead, pass and stage."""
    return [_stage_row(world, one, stage) for one in passes for stage in one.stages]


def _stage_row(world: World, one: Pass, stage: str) -> Row:
    entered_at, is_inferred = one.stages[stage]
    return {
        "lead_id": one.lead_id,
        "pass_no": one.pass_no,
        "stage": stage,
        "stage_rank": RANKS[stage],
        "entered_at": moment(entered_at),
        "entered_on": world.day(entered_at),
        "is_inferred": is_inferred,
        "is_preexisting": one.is_preexisting,
        "account_id": one.account_id,
        "segment": one.segment,
        "channel": one.channel,
        "campaign_id": one.campaign_id,
        "owner": one.owner,
        "team": one.team,
        "deal_id": one.deal_id,
        "exit": one.exit.get("stage") if one.exit is not None else None,
        "exit_at": moment(one.exit.time) if one.exit is not None else None,
        "exit_reason": one.exit.get("reason") if one.exit is not None else None,
    }
