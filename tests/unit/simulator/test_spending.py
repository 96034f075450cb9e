"""Campaigns and costs: the register, what ad platforms report by the day, and invoices that leave no day out."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from simulator.catalogue import CAMPAIGNS, CURRENCIES, PARENTS, Campaign
from simulator.clock import DAY, FIRST_SECONDS, START, START_SECONDS
from simulator.spending import campaign_events, spend_events
from simulator.touches import audience_window, campaign_window
from simulator.world import World, build_world

DAYS = 500
BY_RANGE = [campaign for campaign in CAMPAIGNS if not campaign.daily]
BY_DAY = [campaign for campaign in CAMPAIGNS if campaign.daily]

Rows = list[tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(4, 300, DAYS)


@pytest.fixture(scope="module")
def spends(world: World) -> dict[str, Rows]:
    """Every cost by campaign, looked at long after the last one."""
    found: dict[str, Rows] = defaultdict(list)
    for at, event in spend_events(replace(world, days=DAYS)):
        found[event["data"]["campaign_id"]].append((at, event))
    return found


def cents(event: dict[str, Any]) -> int:
    return int(Decimal(event["data"]["amount"]) * 100)


def day(event: dict[str, Any], name: str = "starts_on") -> dt.date:
    return dt.date.fromisoformat(event["data"][name])


def budget(world: World, campaign: Campaign) -> int:
    """Return what a campaign costs in all, in cents of its currency: the catalogue's number, by hand."""
    dollars = campaign.cost * len(world.accounts) * DAYS // 365
    return dollars * CURRENCIES[campaign.currency][0] // CURRENCIES["USD"][0]


def test_the_register_has_every_campaign_before_the_first_day(world: World) -> None:
    rows = list(campaign_events(world))
    assert {event["data"]["campaign_id"] for _, event in rows} == {campaign.id for campaign in (*CAMPAIGNS, *PARENTS)}
    first = [(at, event) for at, event in rows if event["id"].endswith("/0")]
    assert len(first) == len(CAMPAIGNS) + len(PARENTS)
    assert all(at < FIRST_SECONDS for at, _ in first)


def test_two_campaigns_are_renamed_later(world: World) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for _, event in campaign_events(world):
        names[event["data"]["campaign_id"]].append(event["data"]["name"])
    renamed = {campaign: versions for campaign, versions in names.items() if len(versions) > 1}
    assert renamed == {
        "c-nurture": ["Nurture: from first look to business case (draft)", "Nurture: from first look to business case"],
        "c-report": ["The State of Closing report (draft)", "The State of Closing report"],
    }


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.id)
def test_what_the_register_says(world: World, campaign: Campaign) -> None:
    (event, *_) = [event for _, event in campaign_events(world) if event["data"]["campaign_id"] == campaign.id]
    data = event["data"]
    first, last = audience_window(campaign, DAYS)
    assert (day(event), day(event, "ends_on")) == (START + dt.timedelta(days=first), START + dt.timedelta(days=last))
    assert (data["channel"], data["campaign_type"], data["owner"]) == (campaign.channel, campaign.type, campaign.owner)
    assert data.get("parent_id") == campaign.parent
    assert data["currency"] == campaign.currency
    planned = Decimal(data["budget"]) * 100
    assert planned % 100_00 == 0, "budgets are round"
    assert float(planned) == pytest.approx(budget(world, campaign) * 1.1, abs=100_00)


def test_a_parent_has_neither_budget_nor_cost(world: World, spends: dict[str, Rows]) -> None:
    parents = [event["data"] for _, event in campaign_events(world) if event["data"]["campaign_id"] in {each.id for each in PARENTS}]
    assert all("budget" not in data and "currency" not in data for data in parents)
    assert set(spends) == {campaign.id for campaign in CAMPAIGNS}


@pytest.mark.parametrize("campaign", BY_RANGE, ids=lambda campaign: campaign.id)
def test_invoices_are_the_whole_cost(world: World, spends: dict[str, Rows], campaign: Campaign) -> None:
    rows = spends[campaign.id]
    assert sum(cents(event) for _, event in rows) == pytest.approx(budget(world, campaign), abs=len(rows))
    assert {event["data"]["currency"] for _, event in rows} == {campaign.currency}
    assert {event["source"] for _, event in rows} == {"invoices"}
    assert not any("impressions" in event["data"] or "revision" in event["data"] for _, event in rows)


@pytest.mark.parametrize("campaign", [each for each in BY_RANGE if not each.days], ids=lambda campaign: campaign.id)
def test_invoices_leave_no_day_out_and_count_none_twice(spends: dict[str, Rows], campaign: Campaign) -> None:
    ranges = [(day(event), day(event, "ends_on")) for _, event in spends[campaign.id]]
    first, last = campaign_window(campaign, DAYS)
    assert (ranges[0][0], ranges[-1][1]) == (START + dt.timedelta(days=first), START + dt.timedelta(days=last))
    for (_, ends), (begins, _) in pairwise(ranges):
        assert begins - ends == dt.timedelta(days=1)
    assert max(ends - begins for begins, ends in ranges) <= dt.timedelta(days=90)


@pytest.mark.parametrize("campaign", [each for each in BY_RANGE if each.days], ids=lambda campaign: campaign.id)
def test_a_fair_is_paid_before_it_and_at_it(world: World, spends: dict[str, Rows], campaign: Campaign) -> None:
    (_, before), (_, during) = spends[campaign.id]
    first, last = campaign_window(campaign, DAYS)
    opens = START + dt.timedelta(days=first)
    assert (day(before), day(during)) == (opens - dt.timedelta(days=35), opens)
    assert day(before, "ends_on") == day(during, "ends_on") == START + dt.timedelta(days=last)
    assert cents(before) == budget(world, campaign) * 7 // 10


@pytest.mark.parametrize("campaign", BY_DAY, ids=lambda campaign: campaign.id)
def test_a_platform_reports_every_day_the_next_morning(spends: dict[str, Rows], campaign: Campaign) -> None:
    reported = [(at, event) for at, event in spends[campaign.id] if "revision" not in event["data"] and cents(event) > 0]
    first, last = campaign_window(campaign, DAYS)
    days = [day(event) for _, event in reported]
    # the last day of the time is reported on the morning behind its end
    assert days == [START + dt.timedelta(days=number) for number in range(first, min(last, DAYS - 2) + 1)]
    for at, event in reported:
        assert at == START_SECONDS + ((day(event) - START).days + 1) * DAY + 6 * 3600
        assert event["data"]["impressions"] == cents(event) * 3
        assert event["data"]["clicks"] == cents(event) // 180
        assert "ends_on" not in event["data"]


@pytest.mark.parametrize("campaign", BY_DAY, ids=lambda campaign: campaign.id)
def test_daily_costs_swing_around_the_budget(world: World, spends: dict[str, Rows], campaign: Campaign) -> None:
    amounts = [cents(event) for _, event in spends[campaign.id] if "revision" not in event["data"] and cents(event) > 0]
    first, last = campaign_window(campaign, DAYS)
    base = budget(world, campaign) // (last - first + 1)
    assert base * 60 // 100 <= min(amounts) < max(amounts) <= base * 140 // 100
    assert sum(amounts) == pytest.approx(budget(world, campaign), rel=0.05)


def test_restatements_follow_within_the_week_and_replace_the_same_day(spends: dict[str, Rows]) -> None:
    restated = 0
    for campaign in BY_DAY:
        first_report = {day(event): (at, cents(event)) for at, event in spends[campaign.id] if "revision" not in event["data"]}
        for at, event in spends[campaign.id]:
            if event["data"].get("revision") == 1:
                before, amount = first_report[day(event)]
                assert 3 * DAY <= at - before <= 6 * DAY
                assert amount * 92 // 100 <= cents(event) <= amount * 104 // 100
                restated += 1
    reported = sum(len(spends[campaign.id]) for campaign in BY_DAY)
    assert restated / reported == pytest.approx(0.06, abs=0.02)


def test_two_credit_notes_from_sources_of_their_own(world: World, spends: dict[str, Rows]) -> None:
    notes = [event for rows in spends.values() for _, event in rows if cents(event) < 0]
    assert {(note["data"]["campaign_id"], note["source"]) for note in notes} == {
        ("c-category-search", "google-ads-credits"),
        ("c-linkedin-cfo", "linkedin-ads-credits"),
    }
    for note in notes:
        campaign = next(each for each in CAMPAIGNS if each.id == note["data"]["campaign_id"])
        first, last = campaign_window(campaign, DAYS)
        size = last - first + 1
        assert cents(note) == -(budget(world, campaign) // size) * 3 // 2
        assert day(note) == START + dt.timedelta(days=first + size // 2)
        assert "clicks" not in note["data"]


def test_ids_are_unique_within_a_source(spends: dict[str, Rows]) -> None:
    counts = Counter((event["source"], event["id"]) for rows in spends.values() for _, event in rows)
    assert set(counts.values()) == {1}


def test_costs_behind_the_end_are_not_known_yet(world: World) -> None:
    assert all(at < world.end for at, _ in spend_events(world))
    assert max(at for at, _ in spend_events(world)) > world.end - 2 * DAY
