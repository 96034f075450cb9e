"""What becomes of leads, step by step: handed over around the agreed hours, rejected for some reason, tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.business_hours import BusinessHours
from simulator.catalogue import JOB_TITLES, LEAD_SEGMENTS, RECYCLE_REASONS, REJECT_REASONS
from simulator.clock import DAY, START_SECONDS
from simulator.draws import Bools, Draws, Ints
from simulator.leads import MQL, SAL, SQL, Leads
from simulator.outcomes import Outcomes
from simulator.world import World

__all__ = ["ENDINGS", "Step", "lead_paths"]

ENDINGS = (("rejected", 66), ("recycled", 24), ("", 10))
"""How leads end that nobody buys from; the last of them hear nothing."""

_NEW_RULE = START_SECONDS + 366 * DAY  # with 2025 the score is another one
_SECOND_LIFE = 4_500  # of the recycled, how many become an MQL again
_LONG = 40 * DAY


@dataclass(frozen=True)
class Step:
    """A stage that a lead came to: when (seconds), and what is said with it."""

    at: int
    stage: str
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Chances:
    """Draws that decide how leads end and what is said about them."""

    ending: Ints
    error: Ints  # of the score
    rescored: Ints  # a later MQL's
    has_score: Bools
    has_title: Bools
    title: Ints
    has_segment: Bools
    has_reason: Bools
    reason: Ints
    weak: Bools  # rejected for what it is rather than for what it wants
    second_life: Bools
    tried_before: Bools
    pause: Ints  # seconds from recycled to the next MQL
    wait: Ints  # seconds of business time until somebody answers the second time


def lead_paths(world: World, outcomes: Outcomes, leads: Leads, hours: BusinessHours) -> list[list[Step]]:
    """Return the steps of every lead before the end of the simulation; none where all of it was before START."""
    paths = _Paths(leads, _chances(world, leads), hours)
    opened, close, won = world.deals.opened.tolist(), world.deals.close.tolist(), outcomes.won.tolist()
    found = []
    for number, deal in enumerate(leads.deal.tolist()):
        steps = paths.of_deal(number, deal, opened[deal]) if deal >= 0 else paths.idle(number)
        if deal >= 0 and won[deal]:
            steps.append(Step(close[deal] + 3_600, "customer"))
        steps = [step for step in steps if step.at < world.end]
        found.append(steps if deal >= 0 or (steps and steps[-1].at >= START_SECONDS) else [])
    return found


def _chances(world: World, leads: Leads) -> _Chances:
    draws, size = Draws(world.seed, "lead paths"), len(leads)
    return _Chances(
        ending=draws.pick(size, [weight for _, weight in ENDINGS]),
        error=draws.below(size, 41) - 20,
        rescored=draws.below(size, 21) - 2,
        has_score=draws.chance(size, 9_600),
        has_title=draws.chance(size, 8_800),
        title=draws.below(size, len(JOB_TITLES)),
        has_segment=draws.chance(size, 9_000),
        has_reason=draws.chance(size, 9_400),
        reason=draws.below(size, 60),
        weak=leads.quality + draws.below(size, 50) < 70,
        second_life=draws.chance(size, _SECOND_LIFE),
        tried_before=draws.chance(size, 6_000),
        pause=draws.quantile(size, (25 * DAY, 45 * DAY, 60 * DAY, 110 * DAY)),
        wait=draws.quantile(size, (3_600, 6 * 3600, 16 * 3600, 30 * 3600)),
    )


class _Paths:
    """The paths of all leads, worked out one by one from columns that were worked out together."""

    def __init__(self, leads: Leads, chances: _Chances, hours: BusinessHours) -> None:
        self.leads, self.chances, self.hours = leads, chances, hours
        mql = leads.mql
        sal = hours.after(mql, leads.to_sal)
        sql = hours.after(sal, leads.to_sql)
        end = hours.after(sql, leads.to_end)
        self.inquiry, self.mql, self.sal, self.sql, self.end = (column.tolist() for column in (leads.inquiry, mql, sal, sql, end))
        self.reach, self.score = leads.reach.tolist(), np.clip(leads.quality + chances.error, 0, 100).tolist()

    def of_deal(self, number: int, deal: int, opened: int) -> list[Step]:
        """Return a way to an opportunity: some tried once before, a few were never worked on by an SDR."""
        inquiry, mql = self.inquiry[number], self.mql[number]
        steps = [Step(inquiry, "inquiry", self._form(number))]
        if mql - inquiry > _LONG and self.chances.tried_before[number]:
            first = inquiry + (mql - inquiry) // 8
            steps += [Step(first, "mql", self._scored(number, first)), self._ended(number, first, "recycled")]
        steps.append(Step(mql, "mql", self._scored(number, mql, again=len(steps) > 1)))
        if not self.leads.bypassed[number]:
            steps += [Step(self.sal[number], "sal"), Step(self.sql[number], "sql")]
        return [*steps, Step(opened, "opportunity")]

    def idle(self, number: int) -> list[Step]:
        """Return a way that leads nowhere: rejected, recycled or forgotten where it ends."""
        reach, mql = self.reach[number], self.mql[number]
        steps = [Step(self.inquiry[number], "inquiry", self._form(number))]
        if reach < MQL:
            return steps
        steps.append(Step(mql, "mql", self._scored(number, mql)))
        steps += [Step(self.sal[number], "sal")] if reach >= SAL else []
        steps += [Step(self.sql[number], "sql")] if reach >= SQL else []
        ending = ENDINGS[int(self.chances.ending[number])][0]
        if ending:
            at = {MQL: self.sal, SAL: self.sql, SQL: self.end}[reach][number]
            steps.append(Step(at, ending, self._reason(number, ending)))
        if ending == "recycled" and self.chances.second_life[number]:
            steps += self._second_life(number, steps[-1].at)
        return steps

    def _second_life(self, number: int, recycled: int) -> list[Step]:
        mql = recycled + int(self.chances.pause[number])
        steps = [Step(mql, "mql", self._scored(number, mql, again=True))]
        if number % 3 == 0 and self.leads.account[number] >= 0:
            steps.append(Step(self._answer(number, steps[-1].at), "sal"))
        if number % 8:
            steps.append(self._ended(number, steps[-1].at, "rejected"))
        return steps

    def _ended(self, number: int, since: int, stage: str) -> Step:
        return Step(self._answer(number, since), stage, self._reason(number, stage))

    def _answer(self, number: int, since: int) -> int:
        return int(self.hours.after(np.asarray([since]), self.chances.wait[number : number + 1])[0])

    def _reason(self, number: int, stage: str) -> dict[str, Any]:
        chances = self.chances
        reasons = RECYCLE_REASONS if stage == "recycled" else REJECT_REASONS[0 if chances.weak[number] else 1]
        return {"reason": reasons[int(chances.reason[number]) % len(reasons)]} if chances.has_reason[number] else {}

    def _scored(self, number: int, at: int, *, again: bool = False) -> dict[str, Any]:
        """Say what marketing's rule says: a score near the lead's quality, beside what the form told."""
        chances = self.chances
        said: dict[str, Any] = {"rule_version": "fit-v3" if at < _NEW_RULE else "fit-v4"}
        if chances.has_score[number]:
            score = self.score[number] + (int(chances.rescored[number]) if again else 0)
            said["score"] = max(0, min(score, 100))
        return said | self._form(number)

    def _form(self, number: int) -> dict[str, Any]:
        """Return what the form told: how large the company is and what the person does there, where they filled it in."""
        attributes = {}
        if self.chances.has_segment[number]:
            attributes["segment"] = LEAD_SEGMENTS[int(self.leads.segment[number])]
        if self.chances.has_title[number]:
            attributes["job_title"] = JOB_TITLES[int(self.chances.title[number])]
        return {"attributes": attributes} if attributes else {}
