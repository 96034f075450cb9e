"""The tables of the story are consistent: shares are whole, names are known, quantiles ascend."""

from __future__ import annotations

from pathlib import Path

import pytest

from nisba.config import TEAMS
from nisba.money import minor_digits
from simulator.catalogue import CAMPAIGNS, CURRENCIES, LOSS_REASONS, PARENTS, REGIONS, ROUTES, SEGMENTS, STREAMS, Campaign, Segment, Stream
from simulator.lead_paths import ENDINGS
from simulator.plots import COURSES, TWISTS

CAMPAIGN_OF = {campaign.id: campaign for campaign in CAMPAIGNS}
IDS = ("web", "form", "email", "known", "account")


@pytest.mark.parametrize(
    "shares",
    [
        [share for _, share in ROUTES],
        [segment.share for segment in SEGMENTS],
        [region.share for region in REGIONS],
        [weight for _, weight in TWISTS],
        [weight for _, weight in COURSES],
        [weight * 100 for _, weight in ENDINGS],
    ],
    ids=["routes", "segments", "regions", "twists", "courses", "endings"],
)
def test_shares_are_a_whole(shares: list[int]) -> None:
    assert sum(shares) == 10_000
    assert min(shares) > 0


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.id)
def test_a_campaign_can_run_and_be_paid(campaign: Campaign) -> None:
    assert 0 <= campaign.begins < 10_000
    assert bool(campaign.days) != (campaign.ends > campaign.begins), "a fair has days, everything else an end"
    assert campaign.currency in CURRENCIES
    assert campaign.cost > 0
    assert 0 <= campaign.uplift < 2_000
    assert campaign.parent in {None, *(parent.id for parent in PARENTS)}
    assert any(stream.campaign == campaign.id for stream in STREAMS), "nobody would see it"


def test_campaigns_have_ids_of_their_own_and_two_cause_nothing() -> None:
    ids = [campaign.id for campaign in (*CAMPAIGNS, *PARENTS)]
    assert len(set(ids)) == len(ids)
    assert {campaign.id for campaign in CAMPAIGNS if not campaign.uplift} == {"c-brand-search", "c-retargeting"}


def test_what_causes_nothing_chases_those_who_would_buy_anyway() -> None:
    assert {stream.campaign for stream in STREAMS if stream.wants_intent} == {"c-brand-search", "c-retargeting"}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: f"{stream.source}-{stream.channel}-{stream.campaign}")
def test_a_stream_knows_its_campaign_team_and_ids(stream: Stream) -> None:
    if stream.campaign is not None:
        assert stream.channel == CAMPAIGN_OF[stream.campaign].channel
    assert stream.team in TEAMS
    assert stream.ids in IDS
    assert 0 <= stream.near_deal <= 100
    assert len(stream.routes) == len(ROUTES)
    assert list(stream.days) == sorted(stream.days)
    assert all(weight > 0 for _, weight in stream.kinds)
    # outcomes.py looks at the first kind alone to tell impressions from touches
    assert ("impression" in dict(stream.kinds)) == (dict(stream.kinds) == {"impression": 1})


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment.name)
def test_quantiles_ascend(segment: Segment) -> None:
    for table in (segment.people, segment.amount, segment.cycle):
        assert list(table) == sorted(set(table))
        assert table[0] > 0


def test_larger_segments_buy_more_often_and_take_longer() -> None:
    enterprise, mid_market, small_business = SEGMENTS
    for larger, smaller in ((enterprise, mid_market), (mid_market, small_business)):
        assert larger.amount > smaller.amount
        assert larger.cycle > smaller.cycle
        assert larger.deals > smaller.deals
        assert larger.share < smaller.share


def test_regions_live_by_clocks_that_exist_and_pay_in_money_that_is_quoted() -> None:
    for region in REGIONS:
        assert all(-720 <= offset <= 840 and offset % 15 == 0 for offset in region.offsets)
        assert {currency for currency, _ in region.currencies} <= set(CURRENCIES)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_currencies_have_the_decimals_of_iso_4217(currency: str) -> None:
    rate, digits, step = CURRENCIES[currency]
    assert digits == minor_digits(currency)
    assert rate > 0 < step
    assert (rate == 10_000) == (currency == "EUR")


def test_the_page_counts_the_streams() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "simulator.md").read_text("utf-8")
    assert f"come from {len(STREAMS)} streams" in page
    assert len(set(LOSS_REASONS)) == len(LOSS_REASONS)
