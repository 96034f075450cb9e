"""Leads: how they come in, which become deals, and what the CRM says about each on its way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simulator.catalogue import CAMPAIGNS, SDRS, STREAMS
from simulator.clock import DAY, START_SECONDS, utc_instant
from simulator.lead_stages import lead_events
from simulator.leads import ENTRY_POINTS, PATHS, Leads, entry_touches
from simulator.naming import account_id, deal_id, person_id
from simulator.touches import NOBODY, campaign_window
from tests.unit.simulator.stories import Story, story_of

Stages = list[tuple[int, dict[str, Any]]]


def of_deals(leads: Leads) -> Any:
    return leads.deal != NOBODY


def test_ways_in_are_forms_and_registrations() -> None:
    kinds = {STREAMS[stream].kinds[kind][0] for stream, kind, _ in ENTRY_POINTS}
    assert kinds == {"form", "webinar", "event_attended"}
    assert all(weight > 0 for *_, weight in ENTRY_POINTS)
    assert len({stream for stream, *_ in ENTRY_POINTS}) == len(ENTRY_POINTS)


def test_leads_of_deals_come_first_and_each_deal_has_one_at_most(story: Story) -> None:
    leads = story.leads
    has_deal = of_deals(leads)
    assert has_deal.tolist() == sorted(has_deal.tolist(), reverse=True)
    assert (np.diff(leads.deal[has_deal]) > 0).all()
    assert (~has_deal).sum() > 0


def test_a_lead_of_a_deal_is_its_contact_before_its_opening(story: Story) -> None:
    leads, deals = story.leads, story.world.deals
    mine = leads.deal[of_deals(leads)]
    assert (leads.account[: len(mine)] == deals.account[mine]).all()
    assert (leads.person[: len(mine)] == deals.contact[mine]).all()
    assert (leads.inquiry[: len(mine)] <= deals.opened[mine]).all()
    assert (leads.inquiry >= START_SECONDS).all()


def test_idle_leads_come_all_the_time_of_anybody(story: Story) -> None:
    leads, people = story.leads, story.world.people
    idle = ~of_deals(leads)
    assert idle.sum() == 400 * 6_000 * 365 // 3_650_000
    assert (people.account[leads.person] == leads.account).all()
    assert (leads.inquiry[idle] < story.world.end).all()
    halves = np.histogram(leads.inquiry[idle], bins=2, range=(START_SECONDS, story.world.end))[0]
    assert halves.tolist() == pytest.approx([idle.sum() / 2] * 2, rel=0.2)


def test_marketings_deals_begin_as_leads_and_sales_deals_hardly_do() -> None:
    wide = story_of(6, 2_500, 365)
    deals, leads = wide.world.deals, wide.leads
    inbound = np.isin(np.arange(len(deals)), leads.deal)
    route = wide.world.accounts.route[deals.account]
    shares = [inbound[route == number].mean() for number in range(4)]
    assert shares == pytest.approx([0.85, 0.07, 0.15, 0.12], abs=0.05)


def test_a_campaign_that_does_not_run_gives_way_to_a_search(story: Story) -> None:
    windows = {campaign.id: campaign_window(campaign, 365) for campaign in CAMPAIGNS}
    seen = set()
    for stream, kind, inquiry in zip(
        *(column.tolist() for column in (story.leads.stream, story.leads.kind, story.leads.inquiry)), strict=True
    ):
        campaign = STREAMS[stream].campaign
        seen.add(campaign)
        assert STREAMS[stream].kinds[kind][0] in ("form", "webinar", "event_attended")
        if campaign is not None:
            first, last = windows[campaign]
            assert first <= (inquiry - START_SECONDS) // DAY <= last
    assert seen >= {None, "c-category-search", "c-report"}


def test_the_touch_of_a_lead_is_just_before_its_inquiry(story: Story) -> None:
    leads, touches = story.leads, entry_touches(story.world, story.leads)
    waits = leads.inquiry - touches.at
    assert 0 <= waits.min() <= waits.max() < 90
    assert (touches.stream == leads.stream).all()
    assert not touches.retracted.any()
    registered = touches.account_seen != NOBODY
    assert (registered == (touches.visitor_seen == NOBODY)).all()
    assert (registered == np.asarray([STREAMS[stream].ids == "known" for stream in leads.stream.tolist()])).all()
    assert (touches.person_seen == leads.person).all()


@pytest.fixture(scope="module")
def stages(story: Story) -> dict[int, Stages]:
    """The stages of every lead, by its number."""
    found: dict[int, Stages] = defaultdict(list)
    for at, event in lead_events(story.world, story.outcomes, story.leads):
        found[int(event["data"]["lead_id"].removeprefix("L-"))].append((at, event))
    return found


def names(stages: Stages) -> list[str]:
    return [event["data"]["stage"] for _, event in stages]


def test_every_lead_begins_with_its_inquiry(story: Story, stages: dict[int, Stages]) -> None:
    for number, rows in stages.items():
        at, event = rows[0]
        assert (event["data"]["stage"], at) == ("inquiry", story.leads.inquiry[number])
        assert set(event["data"]) == {"lead_id", "stage"}, "nothing else is known yet"


def test_stages_are_numbered_and_in_order_of_time(story: Story, stages: dict[int, Stages]) -> None:
    offset = story.world.accounts.offset
    for number, rows in stages.items():
        assert [event["id"] for _, event in rows] == [f"L-{number:06d}/{nth}" for nth in range(len(rows))]
        assert all(earlier[0] <= later[0] for earlier, later in pairwise(rows))
        assert all(event["time"] == utc_instant(at, int(offset[story.leads.account[number]])) for at, event in rows)
        assert all(at < story.world.end for at, _ in rows)


def test_idle_leads_go_their_path_and_no_further(story: Story, stages: dict[int, Stages]) -> None:
    taken = set()
    for number in np.flatnonzero(~of_deals(story.leads)).tolist():
        path = PATHS[int(story.leads.path[number])][1]
        expected = ["inquiry", *(stage for stage, _, _ in path)]
        assert names(stages[number]) == expected[: len(stages[number])], "cut off only by the end"
        taken.add(path)
        reasons = {event["data"]["stage"]: event["data"]["reason"] for _, event in stages[number] if "reason" in event["data"]}
        assert reasons.items() <= {stage: reason for stage, _, reason in path if reason}.items()
    assert len(taken) == len(PATHS)


def test_leads_of_deals_go_all_the_way(story: Story, stages: dict[int, Stages]) -> None:
    whole = 0
    for number in np.flatnonzero(of_deals(story.leads)).tolist():
        deal = int(story.leads.deal[number])
        gap = int(story.world.deals.opened[deal]) - int(story.leads.inquiry[number])
        again = ["recycled", "mql"] if gap > 40 * DAY and deal % 3 == 0 else []
        won = ["customer"] if story.outcomes.won[deal] else []
        expected = ["inquiry", "mql", *again, "sal", "sql", "opportunity", *won]
        found = names(stages[number])
        assert found == expected[: len(found)]
        whole += found == expected
    assert whole > 50


def test_conversion_names_the_deal_at_its_opening(story: Story, stages: dict[int, Stages]) -> None:
    for number, rows in stages.items():
        deal = int(story.leads.deal[number])
        for at, event in rows:
            names_it = event["data"]["stage"] in ("opportunity", "customer")
            assert event["data"].get("deal_id") == (deal_id(deal) if names_it else None)
            if event["data"]["stage"] == "opportunity":
                assert at == story.world.deals.opened[deal]


def test_how_a_lead_becomes_a_known_person(story: Story, stages: dict[int, Stages]) -> None:
    """Its stages from the second on name the person, unless an identity event does, or nobody."""
    shares = np.bincount(story.leads.conversion, minlength=3) / len(story.leads.conversion)
    assert shares.tolist() == pytest.approx([0.70, 0.25, 0.05], abs=0.07)
    for number, rows in stages.items():
        told = person_id(int(story.leads.person[number])) if story.leads.conversion[number] == 0 else None
        assert [event["data"].get("person_id") for _, event in rows[1:]] == [told] * (len(rows) - 1)


def test_sales_knows_the_account_and_who_works_on_it(story: Story, stages: dict[int, Stages]) -> None:
    for number, rows in stages.items():
        for _, event in rows[1:]:
            data = event["data"]
            known = data["stage"] in ("sal", "sql", "opportunity", "customer")
            assert data.get("account_id") == (account_id(int(story.leads.account[number])) if known else None)
            assert data["owner"] == SDRS[number % len(SDRS)]
            assert data["team"] == ("marketing" if data["stage"] == "mql" else "sales")


def test_what_has_not_happened_yet_is_not_told(story: Story) -> None:
    """The same leads, looked at half a year earlier: the same events, without the later ones."""
    early = replace(story.world, days=180)
    before = list(lead_events(early, story.outcomes, story.leads))
    after = [row for row in lead_events(story.world, story.outcomes, story.leads) if row[0] < early.end]
    assert before == after
    assert len(before) > 0
