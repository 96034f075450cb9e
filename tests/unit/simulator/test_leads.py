"""Leads: how they come in, whose they are, how good they are, and which become deals."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.catalogue import CAMPAIGNS, LEAD_SEGMENTS, STREAMS
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START_SECONDS
from simulator.draws import Bools
from simulator.leads import ENTRY_POINTS, MQL, OPPORTUNITY, SAL, SQL, Leads, entry_touches
from simulator.touches import NOBODY, audience_window
from tests.unit.simulator.stories import Story, story_of


def of_deals(leads: Leads) -> Bools:
    return np.asarray(leads.deal != NOBODY)


@pytest.fixture(scope="module")
def wide() -> Story:
    return story_of(6, 2_500, 365)


def test_ways_in_are_forms_registrations_and_the_calls_of_others() -> None:
    for stream, kind, weights in ENTRY_POINTS:
        expected = ("form", "webinar", "event_attended") if STREAMS[stream].team == "marketing" else ("meeting",)
        assert STREAMS[stream].kinds[kind][0] in expected
        assert max(weights) > 0
    assert len({stream for stream, *_ in ENTRY_POINTS}) == len(ENTRY_POINTS)


def test_leads_of_deals_come_first_and_each_deal_has_one_at_most(story: Story) -> None:
    leads = story.leads
    has_deal = of_deals(leads)
    assert has_deal.tolist() == sorted(has_deal.tolist(), reverse=True)
    assert (np.diff(leads.deal[has_deal]) > 0).all()
    assert ((leads.reach == OPPORTUNITY) == has_deal).all()
    assert not leads.bypassed[~has_deal].any()


def test_a_lead_of_a_deal_is_its_contact_before_its_opening(story: Story) -> None:
    leads, deals = story.leads, story.world.deals
    mine = leads.deal[of_deals(leads)]
    assert (leads.account[: len(mine)] == deals.account[mine]).all()
    assert (leads.person[: len(mine)] == deals.contact[mine]).all()
    assert (leads.inquiry[: len(mine)] < leads.mql[: len(mine)]).all()
    assert (leads.mql[: len(mine)] < deals.opened[mine]).all()
    assert (leads.inquiry > FIRST_SECONDS).all()


def test_idle_leads_come_all_the_time(story: Story) -> None:
    leads = story.leads
    idle = ~of_deals(leads)
    assert idle.sum() == 400 * 66_000 * (365 + 45) // 3_650_000
    assert (leads.inquiry[idle] < story.world.end).all()
    halves = np.histogram(leads.inquiry[idle], bins=2, range=(START_SECONDS, story.world.end))[0]
    assert halves.tolist() == pytest.approx([halves.sum() / 2] * 2, rel=0.1)


def test_most_idle_leads_are_of_companies_that_sales_never_heard_of(story: Story) -> None:
    leads, people = story.leads, story.world.people
    stranger = leads.account == NOBODY
    idle = ~of_deals(leads)
    assert 0.6 < stranger[idle].mean() < 0.8
    assert (leads.reach[stranger] < SAL).all(), "what sales accepts has an account"
    assert (people.account[leads.person[~stranger]] == leads.account[~stranger]).all()
    assert leads.person[stranger].tolist() == list(range(len(people.account), len(people.account) + int(stranger.sum())))
    names = [LEAD_SEGMENTS[segment] for segment in leads.segment[stranger].tolist()]
    assert set(names) == {"small_business", "micro"}


def test_marketings_deals_begin_as_leads_and_those_of_customers_hardly_do(wide: Story) -> None:
    deals, accounts = wide.world.deals, wide.world.accounts
    inbound = np.isin(np.arange(len(deals)), wide.leads.deal)
    asked = ~accounts.quiet[deals.account] & (deals.opened >= FIRST_SECONDS + 60 * DAY)
    route = accounts.route[deals.account]
    shares = [inbound[asked & (route == number)].mean() for number in range(4)]
    assert shares == pytest.approx([0.96, 0.76, 0.76, 0.10], abs=0.05)
    assert not inbound[~asked].any()


def test_the_first_touch_of_a_lead_is_of_whoever_wins_its_account(wide: Story) -> None:
    leads = wide.leads
    team = np.asarray([stream.team for stream in STREAMS])[leads.stream]
    route = np.where(leads.account == NOBODY, 0, wide.world.accounts.route[leads.account])
    assert (team[route == 0] == "marketing").all()
    assert 0.4 < (team[route == 1] == "sales").mean() < 0.8
    assert (team[route == 2] == "partner").mean() > 0.6


def test_good_leads_get_further_and_some_weak_ones_too(wide: Story) -> None:
    """What becomes of a lead is likelier for the good ones, and certain for none."""
    leads = wide.leads
    means = [leads.quality[leads.reach == rank].mean() for rank in range(1, 6)]
    assert means[0] < means[1] < means[2] < means[3]
    assert means[4] > means[1]
    assert leads.quality[leads.reach == MQL].min() < 30
    assert leads.quality[leads.reach == MQL].max() > 90
    assert leads.quality[leads.reach >= SQL].min() < 40
    assert 0 <= leads.quality.min() <= leads.quality.max() <= 99


def test_a_campaign_that_does_not_run_gives_way_to_a_search(story: Story) -> None:
    windows = {campaign.id: audience_window(campaign, 365) for campaign in CAMPAIGNS}
    seen = set()
    for stream, inquiry in zip(story.leads.stream.tolist(), story.leads.inquiry.tolist(), strict=True):
        campaign, is_work = STREAMS[stream].campaign, STREAMS[stream].team != "marketing"
        seen.add(campaign)
        if campaign is not None:
            first, last = windows[campaign]
            assert first - 2 * is_work <= (inquiry - START_SECONDS) // DAY <= last
    assert seen >= {None, "c-category-search", "c-report", "c-outbound-cfo", "c-partner-fund"}
    assert min(windows.values())[0] == -RUN_UP


def test_the_touch_of_a_lead_is_just_before_its_inquiry(story: Story) -> None:
    leads, touches = story.leads, entry_touches(story.world, story.leads)
    waits = leads.inquiry - touches.at
    assert 0 <= waits.min() <= waits.max() < 90
    assert (touches.stream == leads.stream).all()
    assert not touches.retracted.any()
    registered = np.asarray([STREAMS[stream].ids == "known" for stream in leads.stream.tolist()])
    assert (registered == (touches.visitor_seen == NOBODY)).all()
    assert (touches.account_seen == np.where(registered, leads.account, NOBODY)).all()
    assert (touches.person_seen == leads.person).all()


def test_strangers_use_browsers_of_their_own(story: Story) -> None:
    leads, touches = story.leads, entry_touches(story.world, story.leads)
    stranger = (leads.account == NOBODY) & (touches.visitor_seen != NOBODY)
    browsers = touches.visitor_seen[stranger].tolist()
    assert len(set(browsers)) == len(browsers) > 500
    assert min(browsers) >= story.world.people.visitors + 2 * len(story.world.accounts)


def test_how_a_lead_becomes_a_known_person(story: Story) -> None:
    shares = np.bincount(story.leads.conversion, minlength=3) / len(story.leads)
    assert shares.tolist() == pytest.approx([0.70, 0.25, 0.05], abs=0.04)
