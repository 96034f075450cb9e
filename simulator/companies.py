"""What the CRM says about companies: their names, and where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.catalogue import INDUSTRIES, REGIONS, SEGMENTS
from simulator.clock import DAY, FIRST_SECONDS, utc_instant
from simulator.deals import Row
from simulator.draws import Draws
from simulator.history import OLDEST
from simulator.naming import account_id, account_name, old_account_id
from simulator.world import World

__all__ = ["account_events"]

_EMPLOYEES = {"enterprise": (1_000, 2_400, 5_000, 12_000), "mid_market": (120, 260, 450, 900), "small_business": (4, 12, 30, 90)}
_BEFORE = OLDEST + 30 * DAY


def account_events(world: World) -> Iterator[Row]:
    """Yield one event for every id of an account, before anything else happens; one that was merged has two ids and one name."""
    draws, size = Draws(world.seed, "companies"), len(world.accounts)
    industry, employees = draws.below(size, len(INDUSTRIES)).tolist(), draws.below(size, 4).tolist()
    for number in range(size):
        segment = SEGMENTS[int(world.accounts.segment[number])].name
        data = {
            "name": account_name(number),
            "segment": segment,
            "region": REGIONS[int(world.accounts.region[number])].name,
            "industry": INDUSTRIES[industry[number]],
            "employees": _EMPLOYEES[segment][employees[number]],
        }
        ids = [account_id(number), *([old_account_id(number)] if world.accounts.merged[number] else [])]
        for place, id_ in enumerate(ids):
            yield _event(id_, data, FIRST_SECONDS - _BEFORE + 60 * number + place)


def _event(id_: str, data: dict[str, Any], at: int) -> Row:
    return at, {
        "id": f"{id_}/0",
        "source": "crm",
        "type": "nisba.account.v1",
        "time": utc_instant(at, 0),
        "data": {"account_id": id_, **data},
    }
