"""What becomes of leads: steps in order, hand-overs in business hours, reasons and scores that tell little about the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from simulator.business_hours import BusinessHours
from simulator.catalogue import JOB_TITLES, LEAD_SEGMENTS, RECYCLE_REASONS, REJECT_REASONS, SDRS
from simulator.clock import DAY, START_SECONDS, utc_instant
from simulator.lead_paths import Step, lead_paths
from simulator.lead_stages import lead_events
from simulator.leads import MQL, SAL, SQL
from simulator.naming import account_id, deal_id, lead_id, person_id
from simulator.touches import NOBODY
from tests.unit.simulator.stories import Story, story_of

WAYS = {"inquiry", "mql", "sal", "sql", "opportunity", "customer"}


def stages(steps: list[Step]) -> list[str]:
    return [step.stage for step in steps]


def test_every_told_lead_begins_with_its_inquiry_and_goes_on_in_time(story: Story) -> None:
    for number, steps in enumerate(story.paths):
        if steps:
            assert (steps[0].stage, steps[0].at) == ("inquiry", story.leads.inquiry[number])
            assert set(steps[0].said) <= {"attributes"}, "no score yet"
            assert all(before.at < after.at for before, after in pairwise(steps))
            assert steps[-1].at < story.world.end


def test_leads_that_were_over_before_the_first_day_are_not_told(story: Story) -> None:
    untold = [number for number, steps in enumerate(story.paths) if not steps]
    assert len(untold) > 100
    assert all(story.leads.deal[number] == NOBODY and story.leads.inquiry[number] < START_SECONDS for number in untold)
    assert all(steps[-1].at >= START_SECONDS for number, steps in enumerate(story.paths) if steps and story.leads.deal[number] == NOBODY)


def test_leads_of_deals_go_all_the_way(story: Story) -> None:
    whole = again = bypassed = 0
    for number in np.flatnonzero(story.leads.deal != NOBODY).tolist():
        deal, steps = int(story.leads.deal[number]), story.paths[number]
        tried = ["mql", "recycled"] if "recycled" in stages(steps) else []
        worked = [] if story.leads.bypassed[number] else ["sal", "sql"]
        won = ["customer"] if story.outcomes.won[deal] else []
        expected = ["inquiry", *tried, "mql", *worked, "opportunity", *won]
        assert stages(steps) == expected[: len(steps)]
        for step in steps:
            if step.stage in ("opportunity", "customer"):
                assert step.at == (story.world.deals.opened[deal] if step.stage == "opportunity" else story.world.deals.close[deal] + 3_600)
        whole, again, bypassed = whole + (len(steps) == len(expected)), again + bool(tried), bypassed + (not worked)
    assert whole > 50
    assert again > 5
    assert bypassed > 3


def test_idle_leads_end_where_they_end(story: Story) -> None:
    ends: dict[int, Counter[str]] = defaultdict(Counter)
    for number in np.flatnonzero(story.leads.deal == NOBODY).tolist():
        steps, reach = story.paths[number], int(story.leads.reach[number])
        ways = ["inquiry", "mql", "sal", "sql"][:reach]
        found = stages(steps)
        assert found[: len(ways)] == ways[: len(found)]
        if reach > 1 and len(found) > reach:
            ends[reach][found[reach]] += 1
            assert found[reach] in ("rejected", "recycled")
            assert set(found[reach + 1 :]) <= {"mql", "sal", "rejected"}
    assert set(ends) == {MQL, SAL, SQL}
    assert all(set(counts) == {"rejected", "recycled"} for counts in ends.values())


def test_published_conversions() -> None:
    """Of the leads that had time enough: 10 to 30 % become MQLs, of those 40 to 60 % SALs, 50 to 70 % SQLs, 60 to 80 % deals."""
    wide = story_of(6, 1_500, 500)
    counts: Counter[str] = Counter()
    for steps in wide.paths:
        if steps and steps[0].at < wide.world.end - 100 * DAY and steps[0].at >= START_SECONDS:
            counts.update(stage for stage in WAYS if stage in stages(steps))
    rates = [counts[after] / counts[before] for before, after in pairwise(("inquiry", "mql", "sal", "sql", "opportunity"))]
    for rate, (low, high) in zip(rates, ((0.1, 0.3), (0.4, 0.6), (0.5, 0.7), (0.6, 0.8)), strict=True):
        assert low < rate < high, rates
    decided = wide.outcomes.decided[wide.leads.deal[wide.leads.deal != NOBODY]]
    won = wide.outcomes.won[wide.leads.deal[wide.leads.deal != NOBODY]]
    assert 0.2 < won.sum() / decided.sum() < 0.35


def test_answers_come_around_the_agreed_hours(story: Story) -> None:
    hours = BusinessHours(story.world.end)
    waits = defaultdict(list)
    for steps in story.paths:
        for before, after in pairwise(steps):
            if before.stage in ("mql", "sal") and after.stage not in ("opportunity",):
                at = hours.elapsed(np.asarray([before.at, after.at]))
                waits[before.stage].append(int(at[1] - at[0]) / 3600)
    for stage, agreed in (("mql", 24), ("sal", 40)):
        late = np.mean(np.asarray(waits[stage]) > agreed)
        assert 0.1 < late < 0.25
        assert agreed / 4 < np.median(waits[stage]) < agreed


def test_scores_are_near_the_quality_and_cross(story: Story) -> None:
    """A score says something about the end, and not everything: those that sales accepts have not all better ones."""
    accepted: list[int] = []
    refused: list[int] = []
    for number, steps in enumerate(story.paths):
        scores = [step.said.get("score") for step in steps if step.stage == "mql"]
        if scores and scores[0] is not None:
            assert 0 <= scores[0] <= 100
            assert abs(scores[0] - story.leads.quality[number]) <= 20
            (accepted if "sal" in stages(steps) else refused).append(scores[0])
    assert np.mean(accepted) > np.mean(refused) + 2
    assert np.percentile(accepted, 20) < np.percentile(refused, 60)
    every = [step for steps in story.paths for step in steps if step.stage == "mql"]
    assert np.mean(["score" in step.said for step in every]) == pytest.approx(0.96, abs=0.03)
    assert {step.said["rule_version"] for step in every} == {"fit-v3"}, "another one begins with 2025"
    assert {step.said["attributes"]["segment"] for step in every if "segment" in step.said.get("attributes", {})} == set(LEAD_SEGMENTS)
    assert {step.said["attributes"]["job_title"] for step in every if "job_title" in step.said.get("attributes", {})} == set(JOB_TITLES)


def test_reasons_are_given_for_most_ends(story: Story) -> None:
    ends = [step for steps in story.paths for step in steps if step.stage in ("rejected", "recycled")]
    assert np.mean(["reason" in step.said for step in ends]) == pytest.approx(0.94, abs=0.03)
    given: dict[str, set[str]] = {"rejected": set(), "recycled": set()}
    for step in ends:
        given[step.stage] |= {step.said["reason"]} if "reason" in step.said else set()
    assert given == {"rejected": {reason for reasons in REJECT_REASONS for reason in reasons}, "recycled": set(RECYCLE_REASONS)}


def test_what_the_crm_says_of_a_step(story: Story) -> None:
    offset = [*story.world.accounts.offset.tolist(), 0]
    rows = iter(lead_events(story.world, story.leads, story.paths))
    for number, steps in enumerate(story.paths):
        account = int(story.leads.account[number])
        told = person_id(int(story.leads.person[number])) if story.leads.conversion[number] == 0 else None
        for nth, step in enumerate(steps):
            at, event = next(rows)
            data = event["data"]
            assert (at, event["id"], event["time"]) == (step.at, f"{lead_id(number)}/{nth}", utc_instant(step.at, offset[account]))
            assert data["stage"] == step.stage
            assert data.get("person_id") == told
            knows_account = step.stage in ("sal", "sql", "opportunity", "customer")
            assert data.get("account_id") == (account_id(account) if knows_account else None)
            names_it = step.stage in ("opportunity", "customer")
            assert data.get("deal_id") == (deal_id(int(story.leads.deal[number])) if names_it else None)
            assert data.get("owner") == (SDRS[number % len(SDRS)] if nth else None)
            assert data.get("team") == ((("sales", "marketing")[step.stage == "mql"]) if nth else None)
            assert data.items() >= step.said.items()
    assert next(rows, None) is None


def test_what_has_not_happened_yet_is_not_told(story: Story) -> None:
    """The same leads, looked at half a year earlier: the same steps, without the later ones."""
    early = replace(story.world, days=180)
    before = lead_paths(early, story.outcomes, story.leads, story.hours)
    for steps, later in zip(before, story.paths, strict=True):
        assert steps == [step for step in later if step.at < early.end]
    assert sum(len(steps) for steps in before) > 1_000
