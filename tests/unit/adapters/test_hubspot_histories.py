"""Histories of HubSpot, exported at random times: no id has two contents, and the states of all exports together are the truth."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.unit.adapters.hubspot_world import Change, Deal, Portal, export, iso, stamp
from tests.unit.adapters.running import converted, events_of

START, DAY = stamp("2026-01-01"), 86_400_000
STATUS = {"s1": "open", "won": "won", "lost": "lost"}
Told = tuple[Any, ...]


def random_deal(id: int, random: random.Random, most: int = 9) -> Deal:
    """Return a deal with changes of one or several properties at a time, some of them in the next millisecond."""
    ms = START + random.randrange(60 * DAY)
    changes: list[Change] = [(ms, "dealstage", "s1"), (ms, "closedate", str(ms + 30 * DAY))]
    for _ in range(random.randrange(most)):
        ms += random.choice([1, 1_000, DAY, 20 * DAY])
        names = random.sample(["dealstage", "amount", "closedate", "deal_currency_code"], random.choice([1, 1, 2]))
        changes += [(ms, name, random_value(name, ms, random)) for name in names]
    return Deal(id, changes, company=501 + id % 3, contacts=(301 + id % 5,))


def random_value(name: str, ms: int, random: random.Random) -> str | None:
    if name == "dealstage":
        return random.choice(list(STATUS))
    if name == "deal_currency_code":
        return random.choice(["EUR", "USD", "JPY", None])
    return (
        random.choice([None, str(random.randrange(1, 9_999_900) / 100)]) if name == "amount" else str(ms + random.randrange(-9, 60) * DAY)
    )


def merged(deals: list[Deal], random: random.Random) -> Deal:
    """Return what a merge of two deals makes: the history of both, and one change more by which HubSpot makes it."""
    made = sorted((change for deal in deals for change in deal.changes), key=lambda change: change[0])
    ms = made[-1][0] + random.randrange(1, 5 * DAY)
    return Deal(deals[0].id + 1_000, [*made, (ms, "dealstage", "s1")], merged=tuple(deal.id for deal in deals))


def seen_at(deal: Deal, ms: int) -> Deal | None:
    """Return a deal as it was; None where there was none yet."""
    changes = [change for change in deal.changes if change[0] <= ms]
    return replace(deal, changes=changes) if changes else None


def exports(deals: list[Deal], made: Deal, times: list[int], random: random.Random) -> Iterator[Portal]:
    """Yield the portal at each time: the merge happens with the last change of the deal that it makes, deletions before the last export.

    Tools keep what was merged away for a while, or not at all.
    """
    born = max(ms for ms, *_ in made.changes)
    for ms in times:
        there = [seen for deal in deals if (seen := seen_at(deal, min(ms, born) if deal.id in made.merged else ms))]
        if ms >= born:
            there = [deal for deal in there if deal.id not in made.merged or random.random() < 0.5] + [made]
        yield Portal(deals=[replace(deal, is_deleted=ms == times[-1] and is_to_go(deal.id)) for deal in there])


def is_to_go(id: int) -> bool:
    """Say which deals are deleted in the end."""
    return id % 8 == 0


def told(event: dict[str, Any]) -> Told:
    """Return what an event says of a deal that the history knows too."""
    data = event["data"]
    return data["stage"], data["status"], data.get("amount"), data.get("currency"), data.get("closed_at")


def truth(deal: Deal) -> list[Told]:
    """Return the states of a deal, one change after the other; what changed nothing is none."""
    return [state for state, _ in groupby(truth_by_time(deal).values())]


def truth_by_time(deal: Deal) -> dict[int, Told]:
    """Return the state of a deal at each of its changes."""
    now: dict[str, str | None] = {}
    states = {}
    for ms, changes in groupby(sorted(deal.changes, key=lambda change: change[0]), key=lambda change: change[0]):
        now |= {name: value for _, name, value in changes}
        currency = now.get("deal_currency_code") or "EUR"
        amount = now.get("amount")
        exact = None if amount is None else f"{float(amount):.0f}" if currency == "JPY" else f"{float(amount):.2f}"
        stage, close = str(now["dealstage"]), iso(int(str(now["closedate"])), end="000Z")
        states[ms] = (stage, STATUS[stage], exact, None if amount is None else currency, close)
    return states


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), layouts=st.lists(st.sampled_from(["fivetran", "dlt", "airbyte"]), min_size=3, max_size=3))
def test_exports_at_any_times_by_any_tools_agree(seed: int, layouts: list[str]) -> None:
    chance = random.Random(seed)
    deals = [random_deal(id, chance) for id in range(1, 26)]
    made = merged(deals[:2], chance)
    times = sorted(START + chance.randrange(10 * DAY, 300 * DAY) for _ in layouts)
    found: dict[str, dict[str, Any]] = {}
    for portal, layout in zip(exports(deals, made, times, chance), layouts, strict=True):
        for event in exported(portal, layout):
            assert found.setdefault(event["id"], event) == event
    for deal in deals[2:]:
        if seen := seen_at(deal, times[-1]):
            assert [state for state, _ in groupby(states_of(found, deal.id))] == truth(seen)
            assert last(found, deal.id).get("deleted", False) is is_to_go(deal.id)
    if max(ms for ms, *_ in made.changes) <= times[-1]:
        assert [last(found, deal.id).get("deleted") for deal in deals[:2]] == [True, True]
        assert len(states_of(found, made.id)) == 1


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_what_a_cut_history_still_tells_is_true(seed: int) -> None:
    """The API keeps the newest 20 versions of a property: every state that is told happened, and no export contradicts another."""
    chance = random.Random(seed)
    deals = [random_deal(id, chance, most=70) for id in range(1, 9)]
    found: dict[str, dict[str, Any]] = {}
    for ms in sorted(START + chance.randrange(10 * DAY, 900 * DAY) for _ in range(3)):
        whole = [seen for deal in deals if (seen := seen_at(deal, ms))]
        for event in exported(Portal(deals=[cut(deal) for deal in whole]), "dlt"):
            assert found.setdefault(event["id"], event) == event
    for deal in deals:
        states = truth_by_time(deal)
        for event in in_order(found, deal.id):
            assert told(event) == states[event["data"]["revision"]]


def cut(deal: Deal) -> Deal:
    """Return a deal with the newest 20 versions of each property; its row says when it was made."""
    kept = [
        change
        for name in ("dealstage", "amount", "closedate", "deal_currency_code")
        for change in sorted((change for change in deal.changes if change[1] == name), key=lambda change: change[0])[-20:]
    ]
    return replace(deal, changes=kept, created_ms=deal.created)


def exported(portal: Portal, layout: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        where = export(portal, Path(folder) / "export", layout) if portal.deals else None
        if where is None:
            return []
        converted("hubspot", where, Path(folder) / "events", {"currency": "EUR"})
        return events_of(Path(folder) / "events", "deal")


def in_order(found: dict[str, dict[str, Any]], id: int) -> list[dict[str, Any]]:
    """Return the events of a deal in register order."""
    rank = {"open": 0, "lost": 1, "won": 2}
    own = [event for event in found.values() if event["data"]["deal_id"] == f"hs:{id}"]
    return sorted(
        own, key=lambda e: (e["data"]["revision"], e["time"], 3 if e["data"].get("deleted") else rank[e["data"]["status"]], e["id"])
    )


def states_of(found: dict[str, dict[str, Any]], id: int) -> list[Told]:
    return [told(event) for event in in_order(found, id)]


def last(found: dict[str, dict[str, Any]], id: int) -> dict[str, Any]:
    data: dict[str, Any] = in_order(found, id)[-1]["data"]
    return data
