"""What truth.json says was planted: broken rules, late answers, gaps in the record; counted from the scripts, never from events.

Counts are those of the company's own agreements (`simulator/agreements.py`) on all events of the simulation, in UTC and calendar months.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from simulator.agreements import (
    ADHERENCE_CHECKS,
    EXCEPTION_RULES,
    SLA_HOURS,
    STALE_FACTOR,
    STALE_MIN_WON,
    UPDATE_DAYS,
)
from simulator.business_hours import BusinessHours
from simulator.catalogue import STREAMS
from simulator.clock import DAY, to_date, utc_instant
from simulator.lead_paths import Step
from simulator.leads import Leads
from simulator.naming import lead_id
from simulator.scripts import Script, State
from simulator.touches import Touches
from simulator.world import World

__all__ = ["Handover", "handovers", "planted"]

_RANK = {stage: rank for rank, stage in enumerate(("inquiry", "mql", "sal", "sql", "opportunity", "customer"), start=1)}


@dataclass(frozen=True)
class Handover:
    """A lead that waits for an answer, in seconds; not answered: None."""

    lead: str
    rule: str
    handed: int
    due: int
    answered: int | None

    def is_breached(self, at: int) -> bool:
        """Say whether the answer came late, or was due before this instant and is not there."""
        return at > self.due if self.answered is None else self.answered > self.due


def planted(
    world: World, scripts: list[Script], leads: Leads, paths: list[list[Step]], touches: Touches, hours: BusinessHours
) -> dict[str, Any]:
    """Return the part of truth.json that says what is wrong with the company, and how often."""
    living = [script for script in scripts if script.states and not script.is_deleted]
    instants = [state.at for script in scripts for state in script.states] + [step.at for steps in paths for step in steps]
    as_of = max(instants, default=0)
    handed = handovers(paths, hours)
    return {
        "as_of": utc_instant(as_of),
        "exceptions": _exceptions(world, living, leads, touches, as_of),
        "lead_sla": {rule: _late(handed, rule, as_of) for rule in SLA_HOURS},
        "lead_stages": _stages(paths),
        "adherence": _adherence(world, living, handed, as_of),
        "deals_without_touch": _named(script.id for script in living if world.accounts.quiet[script.account]),
    }


def _named(ids: Iterable[str]) -> dict[str, Any]:
    listed = sorted(ids)
    return {"count": len(listed), "ids": listed}


def _exceptions(world: World, living: list[Script], leads: Leads, touches: Touches, as_of: int) -> dict[str, Any]:
    """Return the deals of every rule, once per time that each breaks it."""
    found: dict[str, list[str]] = {rule: [] for rule in EXCEPTION_RULES}
    bypassed = {int(leads.deal[number]) for number in np.flatnonzero(leads.bypassed).tolist()}
    for script in living:
        for rule, _ in script.broken:
            found[rule].append(script.id)
        if script.id.startswith("D-") and int(script.id[2:]) in bypassed:
            found["bypassed_lead"].append(script.id)
    found["stale"] = _stale(world, living, touches, as_of)
    return {rule: _named(ids) for rule, ids in found.items()}


def _stale(world: World, living: list[Script], touches: Touches, as_of: int) -> list[str]:
    """Return open deals that nobody has looked at or spoken to for twice as long as a deal of their kind takes."""
    cycles: dict[int, list[int]] = defaultdict(list)
    for script in living:
        last = script.states[-1]
        if last.status == "won" and last.closed is not None:
            cycles[int(world.accounts.segment[script.account])].append(max(last.closed - script.opened, 0))
    every = [cycle for of_segment in cycles.values() for cycle in of_segment]
    stale = []
    for script in (each for each in living if each.states[-1].status == "open"):
        mine = cycles[int(world.accounts.segment[script.account])]
        median = _median(mine if len(mine) >= STALE_MIN_WON else every)
        if median is not None:
            limit = as_of - STALE_FACTOR * median
            if script.states[-1].at < limit and not _is_touched_since(touches, script.account, limit):
                stale.append(script.id)
    return stale


def _median(values: list[int]) -> Fraction | None:
    if len(values) < STALE_MIN_WON:
        return None
    ordered, half = sorted(values), len(values) // 2
    return Fraction(ordered[half]) if len(values) % 2 else Fraction(ordered[half - 1] + ordered[half], 2)


def _is_touched_since(touches: Touches, account: int, since: Fraction) -> bool:
    counts = (touches.account == account) & ~_is_impression(touches) & ~touches.retracted
    return bool((touches.at[counts] >= int(since)).any())


def _is_impression(touches: Touches) -> Any:
    return np.asarray([stream.kinds[0][0] == "impression" for stream in STREAMS])[touches.stream]


def handovers(paths: list[list[Step]], hours: BusinessHours) -> list[Handover]:
    """Return every lead that was handed over, pass by pass, with what came of it."""
    waiting = [row for number, steps in enumerate(paths) for one in _passes(steps) for row in _waiting(number, one)]
    handed = np.asarray([at for _, _, at, _ in waiting], dtype=np.int64)
    seconds = np.asarray([SLA_HOURS[rule][2] * 3_600 for _, rule, *_ in waiting], dtype=np.int64)
    due = hours.after(handed, seconds).tolist()
    return [Handover(lead, rule, at, until, answered) for (lead, rule, at, answered), until in zip(waiting, due, strict=True)]


def _passes(steps: list[Step]) -> Iterator[list[Step]]:
    """Cut a lead's steps where it is an MQL again."""
    one: list[Step] = []
    for step in steps:
        if step.stage == "mql" and any(each.stage in ("rejected", "recycled") for each in one):
            yield one
            one = []
        one.append(step)
    if one:
        yield one


def _waiting(number: int, one: list[Step]) -> Iterator[tuple[str, str, int, int | None]]:
    for rule, (from_stage, to_stage, _) in SLA_HOURS.items():
        for place, step in enumerate(one):
            if step.stage == from_stage:
                answers = (each.at for each in one[place + 1 :] if _RANK.get(each.stage, 9) >= _RANK[to_stage])
                yield lead_id(number), rule, step.at, next(answers, None)


def _late(handed: list[Handover], rule: str, as_of: int) -> dict[str, int]:
    mine = [each for each in handed if each.rule == rule]
    return {
        "handed": len(mine),
        "answered": sum(each.answered is not None for each in mine),
        "breached": sum(each.is_breached(as_of) for each in mine),
    }


def _stages(paths: list[list[Step]]) -> dict[str, int]:
    """Return how many passes have each stage, those between two others included."""
    counts = dict.fromkeys(_RANK, 0)
    for steps in paths:
        for one in _passes(steps):
            ranks = [_RANK[step.stage] for step in one if step.stage in _RANK]
            for stage, rank in _RANK.items():
                counts[stage] += min(ranks) <= rank <= max(ranks)
    return counts


def _adherence(world: World, living: list[Script], handed: list[Handover], as_of: int) -> dict[str, dict[str, int]]:
    """Return per check how many deals (or handed leads) it applied to and failed, summed over the months."""
    months = _months(min((state.at for script in living for state in script.states[:1]), default=as_of), as_of)
    applied, failed = dict.fromkeys(ADHERENCE_CHECKS, 0), dict.fromkeys(ADHERENCE_CHECKS, 0)
    for script in living:
        is_logged = not (world.accounts.quiet[script.account] or world.accounts.unlogged[script.account])
        for check, passed in _checks(script, months, as_of, is_logged=is_logged):
            applied[check] += 1
            failed[check] += not passed
    for passed in _answers(handed, months, as_of):
        applied["answered_in_time"] += 1
        failed["answered_in_time"] += not passed
    return {check: {"applicable": applied[check], "failed": failed[check]} for check in ADHERENCE_CHECKS}


def _months(first: int, last: int) -> list[int]:
    """Return the beginnings of all months from that of `first` to the one after `last`, in seconds."""
    month = np.datetime64(to_date(first), "M")
    count = int((np.datetime64(to_date(last), "M") - month).astype(np.int64)) + 2
    begins: list[int] = (month + np.arange(count)).astype("datetime64[s]").astype(np.int64).tolist()
    return begins


def _checks(script: Script, months: list[int], as_of: int, *, is_logged: bool) -> Iterator[tuple[str, bool]]:
    """Yield every check that applies to a deal at the end of a month, and whether it passed."""
    times = [state.at for state in script.states]
    first = bisect_right(months, times[0]) - 1
    for begins, ends in zip(months[first:], months[first + 1 :], strict=False):
        place = bisect_right(times, ends - 1) - 1
        state = script.states[place]
        if state.status == "open":
            yield from _of_open(state, min(ends, as_of + 1) - 1, is_cut=as_of < ends)
        elif _begins(script.states, place).at >= begins:
            yield from _of_closed(script, state, min(ends - 1, as_of), is_logged=is_logged)


def _begins(states: tuple[State, ...], place: int) -> State:
    """Return the first state of the won or lost spell that a state belongs to."""
    while place and states[place - 1].status == states[place].status:
        place -= 1
    return states[place]


def _of_open(state: State, second: int, *, is_cut: bool) -> Iterator[tuple[str, bool]]:
    """Yield the checks of an open deal; `second` is the last whole one, and a month has a microsecond less than one more."""
    micros = second * 1_000_000 + (0 if is_cut else 999_999)
    yield "amount_present", "amount" in state.said
    yield "contacts_linked", "contact_ids" in state.said
    yield "next_step_present", "next_step" in state.said
    yield "updated_recently", micros - state.at * 1_000_000 <= UPDATE_DAYS * DAY * 1_000_000
    yield "close_date_ahead", state.closed is not None and state.closed * 1_000_000 >= micros


def _of_closed(script: Script, state: State, second: int, *, is_logged: bool) -> Iterator[tuple[str, bool]]:
    if state.status == "lost":
        yield "loss_reason_present", "loss_reason" in state.said
    else:
        yield "won_with_contact", "contact_ids" in state.said
    yield "activity_logged", is_logged
    yield "stages_in_order", not any(rule.startswith("stage_") and at <= second for rule, at in script.broken)


def _answers(handed: list[Handover], months: list[int], as_of: int) -> Iterator[bool]:
    """Yield whether each lead was answered in time, of those answered or due by the end of the month in which they were handed over."""
    for each in handed:
        last = min(months[bisect_right(months, each.handed)] - 1, as_of)
        is_answered = each.answered is not None and each.answered <= last
        if is_answered or each.due <= last:
            yield is_answered and not each.is_breached(last)
