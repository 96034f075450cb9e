"""What the CRM says about deals: one event per state, and the adjustments that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from simulator.clock import utc_instant
from simulator.scripts import Script

__all__ = ["Row", "deal_events"]

Row = tuple[int, dict[str, Any]]
"""When it happened (seconds), and the event without `specversion` and `partitionkey`."""


def deal_events(scripts: Iterable[Script]) -> Iterator[Row]:
    """Yield the events of all deals."""
    for script in scripts:
        opened = {"deal_id": script.id, "opened_at": utc_instant(script.opened, script.offset)}
        for revision, state in enumerate(script.states):
            data = opened | state.said | {"stage": state.stage, "status": state.status, "revision": revision}
            if state.closed is not None:
                data["closed_at"] = utc_instant(state.closed, script.offset)
            yield state.at, _event(f"{script.id}/{revision}", "crm", "deal", utc_instant(state.at, script.offset), data)
        if script.adjustment is not None:
            yield _adjusted(script)


def _adjusted(script: Script) -> Row:
    adjustment = script.adjustment
    assert adjustment is not None
    id_ = f"adj-{script.id.removeprefix('D-')}"
    data = {
        "adjustment_id": id_,
        "deal_id": script.id,
        "amount": adjustment.amount,
        "currency": adjustment.currency,
        "effective_at": utc_instant(adjustment.effective, script.offset),
        "reason": adjustment.reason,
    }
    return adjustment.at, _event(id_, "billing", "adjustment", utc_instant(adjustment.at, 60), data)


def _event(id_: str, source: str, name: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": id_, "source": source, "type": f"nisba.{name}.v1", "time": time, "data": data}
