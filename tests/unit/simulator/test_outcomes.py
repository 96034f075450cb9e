"""What was seen, what it changed, and what it caused: by hand on a deal or two, by brute force on a company."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulator.catalogue import CAMPAIGNS, STREAMS
from simulator.clock import DAY, START_SECONDS
from simulator.outcomes import MAX_WIN, Outcomes, decide, effects
from simulator.rates import Rates, build_rates
from simulator.touches import NOBODY, Touches
from simulator.world import CURRENCY_CODES, Deals, World, build_world
from tests.unit.simulator.stories import Story

CAMPAIGN_NO = {campaign.id: number for number, campaign in enumerate(CAMPAIGNS)}
CLICK = next(i for i, stream in enumerate(STREAMS) if stream.campaign == "c-linkedin-cfo" and stream.kinds[0][0] == "click")
IMPRESSION = next(i for i, stream in enumerate(STREAMS) if stream.campaign == "c-linkedin-cfo" and stream.kinds[0][0] == "impression")
FAIR = next(i for i, stream in enumerate(STREAMS) if stream.campaign == "c-fair-spring")

OPENED = START_SECONDS + 200 * DAY
CLOSE = OPENED + 30 * DAY


def world_of(*deals: dict[str, int], days: int = 365) -> World:
    """Return a world of two accounts with these deals; what a deal does not say is the same for all."""
    usual = {"account": 0, "opened": OPENED, "close": CLOSE, "amount": 1_000, "currency": CURRENCY_CODES.index("USD")}
    usual |= {"contact": 0, "nth": 0, "renewal": 0, "forgotten": 0, "base_win": 1_000, "luck": 1_200}
    rows = [usual | deal for deal in deals]
    columns: dict[str, Any] = {name: np.asarray([row[name] for row in rows], dtype=np.int64) for name in usual}
    return replace(build_world(1, 2, days), deals=Deals(**columns))


def touches_of(*rows: tuple[int, int], stream: int = CLICK, retracted: bool = False) -> Touches:
    """Return touches of (account, instant) by one stream."""
    size = len(rows)
    account, at = (np.asarray([row[place] for row in rows], dtype=np.int64) for place in (0, 1))
    nobody, zero = np.full(size, NOBODY), np.zeros(size, np.int64)
    campaign = np.full(size, CAMPAIGN_NO[str(STREAMS[stream].campaign)])
    return Touches(np.full(size, stream), zero, campaign, account, zero, at, zero, nobody, nobody, nobody, np.full(size, retracted))


def together(*parts: Touches) -> Touches:
    return Touches(*(np.concatenate(columns) for columns in zip(*(vars(part).values() for part in parts), strict=True)))


def flat_rates() -> Rates:
    return Rates(START_SECONDS, {code: np.full(400, 10_000, np.int64) for code in CURRENCY_CODES})


@pytest.mark.parametrize(
    ("at", "account", "seen"),
    [
        (OPENED - 180 * DAY - 1, 0, False),
        (OPENED - 180 * DAY, 0, True),
        (OPENED, 0, True),
        (CLOSE, 0, True),
        (CLOSE + 1, 0, False),
        (OPENED, 1, False),
    ],
    ids=["a second too early", "on the first second", "at the opening", "at the close", "a second too late", "another account's"],
)
def test_what_counts_as_seen(at: int, account: int, seen: bool) -> None:
    outcomes = decide(world_of({}), touches_of((account, at)))
    assert outcomes.seen.sum() == int(seen)
    assert outcomes.seen[0, CAMPAIGN_NO["c-linkedin-cfo"]] == seen
    assert outcomes.win.tolist() == [1_000 + 500 * seen]
    assert outcomes.won.tolist() == [seen], "luck 1,200 is enough for 1,500 and not for 1,000"


def test_impressions_and_bots_convince_nobody() -> None:
    world = world_of({})
    assert not decide(world, touches_of((0, OPENED), stream=IMPRESSION)).seen.any()
    assert not decide(world, touches_of((0, OPENED), retracted=True)).seen.any()


def test_seeing_it_twice_is_seeing_it() -> None:
    once, twice = (decide(world_of({}), touches_of(*[(0, OPENED)] * count)) for count in (1, 2))
    assert once.win.tolist() == twice.win.tolist() == [1_500]


def test_uplifts_of_campaigns_add_up_to_the_cap() -> None:
    world = world_of({"base_win": 1_000}, {"base_win": 9_400})
    both = Touches(
        *(np.concatenate(pair) for pair in zip(*(vars(touches_of((0, OPENED), stream=s)).values() for s in (CLICK, FAIR)), strict=True))
    )
    assert decide(world, both).win.tolist() == [1_000 + 500 + 1_200, MAX_WIN]


@pytest.mark.parametrize(("luck", "won"), [(1_499, True), (1_500, False)])
def test_won_below_the_probability(luck: int, won: bool) -> None:
    assert decide(world_of({"luck": luck}), touches_of((0, OPENED))).won.tolist() == [won]


@pytest.mark.parametrize(("days", "decided"), [(231, False), (232, True)])
def test_a_close_on_the_last_day_is_not_decided_yet(days: int, decided: bool) -> None:
    outcomes = decide(world_of({"luck": 0}, days=days), touches_of((0, OPENED)))
    assert (outcomes.decided.tolist(), outcomes.won.tolist()) == ([decided], [decided])


def test_a_company_by_brute_force(story: Story) -> None:
    """What every deal saw, campaign by campaign, by looking at every touch of its account."""
    world, touches = story.world, story.touches
    counts = ~touches.retracted & np.asarray([stream.kinds[0][0] != "impression" for stream in STREAMS])[touches.stream]
    for deal in range(0, len(world.deals), 5):
        opened, close = int(world.deals.opened[deal]), int(world.deals.close[deal])
        mine = counts & (touches.account == world.deals.account[deal]) & (touches.at >= opened - 180 * DAY) & (touches.at <= close)
        expected = set(touches.campaign[mine].tolist()) - {NOBODY}
        assert set(np.flatnonzero(story.outcomes.seen[deal]).tolist()) == expected
        uplift = sum(CAMPAIGNS[number].uplift for number in expected)
        assert story.outcomes.win[deal] == min(int(world.deals.base_win[deal]) + uplift, MAX_WIN)


def test_effects_by_hand() -> None:
    """Four deals of 1,000 dollars: won by the campaign, won anyway, lost in spite of it, and won without having seen it."""
    world = world_of({"luck": 1_200}, {"luck": 900}, {"luck": 1_700}, {"luck": 500, "account": 1})
    outcomes = decide(world, touches_of((0, OPENED)))
    assert outcomes.won.tolist() == [True, True, False, True]
    truth = effects(world, outcomes, flat_rates(), np.zeros(4, bool))
    assert truth["campaigns"][CAMPAIGN_NO["c-linkedin-cfo"]] == {
        "campaign_id": "c-linkedin-cfo",
        "uplift_per_10k": 500,
        "deals_that_saw_it": 3,
        "won_deals_that_saw_it": 2,
        "expected_incremental_deals_per_10k": 1_500,
        "expected_incremental_revenue_usd_cents": 3 * 100_000 * 500 // 10_000,
        "realised_incremental_deals": 1,
        "realised_incremental_revenue_usd_cents": 100_000,
    }
    assert (truth["decided_deals"], truth["won_deals"], truth["won_revenue_usd_cents"]) == (4, 3, 300_000)


def test_a_deal_that_needed_two_campaigns_is_caused_by_each_and_once_by_all() -> None:
    world = world_of({"luck": 2_600})
    both = Touches(
        *(np.concatenate(pair) for pair in zip(*(vars(touches_of((0, OPENED), stream=s)).values() for s in (CLICK, FAIR)), strict=True))
    )
    truth = effects(world, decide(world, both), flat_rates(), np.zeros(1, bool))
    single = [effect["realised_incremental_deals"] for effect in truth["campaigns"]]
    assert (sum(single), truth["all_campaigns"]["realised_incremental_deals"]) == (2, 1)


def test_deleted_and_undecided_deals_are_in_no_effect() -> None:
    world = world_of({}, {}, days=365)
    outcomes = decide(world, touches_of((0, OPENED)))
    undecided = replace(outcomes, decided=np.asarray([True, False]), won=np.asarray([True, False]))
    for gone, rest in ((np.asarray([True, False]), 0), (np.asarray([False, False]), 1)):
        truth = effects(world, undecided, flat_rates(), gone)
        assert truth["decided_deals"] == truth["won_deals"] == truth["all_campaigns"]["realised_incremental_deals"] == rest


def test_at_the_cap_a_campaign_changes_little() -> None:
    """9,300 + 500 is capped at 9,500: the campaign is worth 200, and nothing where the base alone is at the cap."""
    world = world_of({"base_win": 9_300, "luck": 0}, {"base_win": 9_500, "luck": 0})
    truth = effects(world, decide(world, touches_of((0, OPENED))), flat_rates(), np.zeros(2, bool))
    assert truth["campaigns"][CAMPAIGN_NO["c-linkedin-cfo"]]["expected_incremental_deals_per_10k"] == 200


def test_no_campaign_causes_more_than_all_of_them(story: Story) -> None:
    rates, nobody = build_rates(5, 365), np.zeros(len(story.world.deals), bool)
    truth = effects(story.world, story.outcomes, rates, nobody)
    for key in ("expected_incremental_deals_per_10k", "realised_incremental_deals", "realised_incremental_revenue_usd_cents"):
        assert max(effect[key] for effect in truth["campaigns"]) <= truth["all_campaigns"][key]
    assert truth["all_campaigns"]["realised_incremental_deals"] <= truth["won_deals"]


def test_marketing_truly_works_in_a_large_company(story: Story) -> None:
    """Expected and realised effects are the same thing, once as a mean and once as it happened."""
    outcomes, deals = story.outcomes, story.world.deals
    even = Outcomes(outcomes.seen, outcomes.win, np.ones(len(deals), bool), deals.luck < outcomes.win)
    truth = effects(story.world, even, build_rates(5, 365), np.zeros(len(deals), bool))["all_campaigns"]
    assert truth["realised_incremental_deals"] == pytest.approx(truth["expected_incremental_deals_per_10k"] / 10_000, rel=0.35)
