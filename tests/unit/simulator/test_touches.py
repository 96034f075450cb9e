"""Touches: when they happen, whose they are, and what their events may say about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.business_hours import BusinessHours
from simulator.catalogue import CAMPAIGNS, PAGES, STREAMS, Campaign
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START_SECONDS
from simulator.draws import Bools
from simulator.history import first_contracts
from simulator.leads import build_leads, entry_touches
from simulator.touches import NOBODY, Touches, audience_window, build_touches, campaign_window, play_streams
from simulator.world import build_world
from tests.unit.simulator.stories import Story, story_of

BY_ID = {campaign.id: campaign for campaign in CAMPAIGNS}
NOT_FORMS = [number for number, stream in enumerate(STREAMS) if not stream.repeats]


def of(touches: Touches, ids: str) -> Bools:
    """Say which touches come from streams that carry these ids."""
    return np.asarray([stream.ids == ids for stream in STREAMS])[touches.stream]


@pytest.fixture(scope="module")
def streams(story: Story) -> Touches:
    """The touches of the streams alone, without the forms by which leads came in."""
    played = play_streams(story.world)
    order = np.argsort(played.at, kind="stable")
    order = order[(played.at[order] >= FIRST_SECONDS) & (played.at[order] < story.world.end)]
    return Touches(**{name: column[order] for name, column in vars(played).items()})


def of_accounts(touches: Touches) -> Touches:
    """Leave out strangers."""
    return Touches(**{name: column[touches.account != NOBODY] for name, column in vars(touches).items()})


@pytest.mark.parametrize(
    ("campaign", "days", "window"),
    [
        ("c-brand-search", 365, (0, 364)),
        ("c-linkedin-cfo", 365, (36, 327)),
        ("c-fair-spring", 365, (109, 112)),
        ("c-webinar-audit", 365, (229, 237)),
        ("c-fair-autumn", 730, (540, 542)),
        ("c-calculator", 100, (45, 99)),
        ("c-fair-autumn", 4, (2, 3)),
        ("c-linkedin-cfo", 1, (0, 0)),
    ],
)
def test_windows_by_hand(campaign: str, days: int, window: tuple[int, int]) -> None:
    assert campaign_window(BY_ID[campaign], days) == window


def test_a_window_that_would_be_empty_is_its_first_day() -> None:
    late = Campaign("c", "n", "email", "email", 9_999, 10_000, 1, 0)
    assert campaign_window(late, 10) == (9, 9)


def test_touches_are_in_order_and_inside_the_time(story: Story) -> None:
    at = story.touches.at
    assert len(at) > 10_000
    assert (np.diff(at) >= 0).all()
    assert at[-1] < story.world.end
    before = at < FIRST_SECONDS
    known = ~story.world.accounts.quiet[story.contracts.account]
    assert before.sum() == known.sum() > 50, "the meeting before each contract of long ago"


def test_a_touch_of_a_campaign_is_of_its_stream_and_of_its_days(streams: Touches) -> None:
    for number, campaign in enumerate(CAMPAIGNS):
        mine = streams.campaign == number
        first, last = audience_window(campaign, 365)
        days = (streams.at[mine] - START_SECONDS) // DAY
        assert {STREAMS[stream].campaign for stream in streams.stream[mine].tolist()} == {campaign.id}
        assert first - 2 <= days.min() <= days.max() <= last, "work of a weekend was done before it"
    unnamed = np.asarray([stream.campaign is None for stream in STREAMS])[streams.stream]
    assert ((streams.campaign == NOBODY) == unnamed).all()


@pytest.mark.parametrize("number", [i for i, stream in enumerate(STREAMS) if stream.campaign is None])
def test_a_stream_without_campaign_has_the_touches_of_its_rate(streams: Touches, number: int) -> None:
    """All but those that fall before the first day or behind the last one."""
    wanted = 400 * STREAMS[number].rate * (365 + RUN_UP) / 36_500 * (1 + STREAMS[number].repeats / 10_000)
    assert 0.7 * wanted < (streams.stream == number).sum() <= 1.1 * wanted


def test_people_are_touched_in_the_daytime_where_they_are(story: Story, streams: Touches) -> None:
    single = np.isin(streams.stream, NOT_FORMS)
    offset = story.world.accounts.offset[streams.account[single]] * 60
    local = (streams.at[single] + offset) % DAY
    assert 7 * 3600 <= local.min() <= local.max() <= 19 * 3600
    assert np.median(local) == pytest.approx(10 * 3600, abs=900)


def test_sales_does_not_work_on_weekends(streams: Touches) -> None:
    sales = np.asarray([stream.team == "sales" for stream in STREAMS])[streams.stream]
    weekday = (streams.at // DAY + 3) % 7
    assert (weekday[sales] < 5).all()
    assert (weekday[~sales] >= 5).any()


def test_a_touch_is_of_a_person_of_the_account(story: Story) -> None:
    touches, people = of_accounts(story.touches), story.world.people
    assert (people.account[touches.person] == touches.account).all()
    first_half = touches.person - people.first[touches.account] < (people.count[touches.account] + 1) // 2
    assert first_half.mean() > 0.65, "most touches are of its first people"


def test_what_is_seen_is_true_or_absent(story: Story) -> None:
    touches, people = of_accounts(story.touches), story.world.people
    for seen, truth in ((touches.account_seen, touches.account), (touches.person_seen, touches.person)):
        assert ((seen == NOBODY) | (seen == truth)).all()
    stranger = touches.visitor_seen >= people.visitors
    assert ((touches.visitor_seen[stranger] - people.visitors) // 2 == touches.account[stranger]).all()
    known = (touches.visitor_seen != NOBODY) & ~stranger
    own = (touches.visitor_seen == people.visitor[touches.person]) | (touches.visitor_seen == people.second_visitor[touches.person])
    assert own[known].all()


def test_every_touch_names_somebody(story: Story) -> None:
    touches = story.touches
    named = np.stack([touches.account_seen, touches.person_seen, touches.visitor_seen]) != NOBODY
    assert named.any(axis=0).all()


@pytest.mark.parametrize(
    ("ids", "account", "person", "visitor"),
    [
        ("account", 1.0, 0.0, 0.0),
        ("known", 1.0, 0.9, 0.0),
        ("email", 0.0, 1.0, 0.25),
        ("form", 0.0, 0.45, 1.0),
        ("web", 0.0, 0.72 * 0.12, 1.0),
    ],
)
def test_how_much_each_kind_of_source_knows(streams: Touches, ids: str, account: float, person: float, visitor: float) -> None:
    mine = of(streams, ids)
    assert mine.sum() > 200
    shares = [(column[mine] != NOBODY).mean() for column in (streams.account_seen, streams.person_seen, streams.visitor_seen)]
    assert shares == pytest.approx([account, person, visitor], abs=0.04)


def test_strangers_never_say_who_they_are(story: Story) -> None:
    touches = of_accounts(story.touches)
    stranger = touches.visitor_seen >= story.world.people.visitors
    assert stranger.sum() > 100
    assert (touches.person_seen[stranger] == NOBODY).all()


def test_only_browsers_turn_out_to_be_bots(streams: Touches) -> None:
    web = of(streams, "web")
    assert not streams.retracted[~web].any()
    assert streams.retracted[web].mean() == pytest.approx(0.006, abs=0.003)


def test_kinds_are_those_of_the_stream_in_their_proportion(streams: Touches) -> None:
    assert ((streams.page >= 0) & (streams.page < len(PAGES))).all()
    for number, stream in enumerate(STREAMS):
        kinds = streams.kind[streams.stream == number]
        assert kinds.max() < len(stream.kinds)
        if len(kinds) > 500:
            whole = sum(weight for _, weight in stream.kinds)
            assert (kinds == 0).mean() == pytest.approx(stream.kinds[0][1] / whole, abs=0.06)


def test_some_come_back_within_the_half_hour(streams: Touches) -> None:
    """Only in streams that repeat: there a touch of the same account follows within 2,420 seconds far more often than elsewhere."""

    def followed(number: int) -> float:
        mine = streams.stream == number
        order = np.lexsort((streams.at[mine], streams.account[mine]))
        account, at = streams.account[mine][order], streams.at[mine][order]
        return float(((np.diff(account) == 0) & (np.diff(at) <= 2_420)).mean())

    for number, stream in enumerate(STREAMS):
        if stream.repeats:
            assert followed(number) >= 0.8 * stream.repeats / 10_000 / (1 + stream.repeats / 10_000)


def test_routes_choose_the_audience(story: Story, streams: Touches) -> None:
    """The partner fund's touches go to accounts that come by partners, who are an eighth of all."""
    route = story.world.accounts.route[streams.account]
    partner = next(number for number, stream in enumerate(STREAMS) if stream.campaign == "c-partner-fund")
    assert (route[streams.stream == partner] == 2).mean() > 0.6
    assert (story.world.accounts.route == 2).mean() < 0.2


def test_without_deals_there_are_touches_all_the_same() -> None:
    world = build_world(3, 30, 90)
    nobody = {name: column[:0] for name, column in vars(world.deals).items()}
    empty = replace(world, deals=type(world.deals)(**nobody))
    leads = build_leads(empty, BusinessHours(empty.end))
    touches = build_touches(empty, entry_touches(empty, leads), first_contracts(empty))
    assert len(touches) > 200


def test_a_seed_is_a_story() -> None:
    one, two = story_of(4, 60, 200), story_of(4, 60, 200)
    assert [column.tolist() for column in vars(one.touches).values()] == [column.tolist() for column in vars(two.touches).values()]


def test_a_campaign_that_runs_from_the_first_day_ran_before_it() -> None:
    assert audience_window(BY_ID["c-brand-search"], 365) == (-RUN_UP, 364)
    assert audience_window(BY_ID["c-linkedin-cfo"], 365) == campaign_window(BY_ID["c-linkedin-cfo"], 365) == (36, 327)


def test_quiet_accounts_are_never_touched(story: Story) -> None:
    quiet = story.world.accounts.quiet
    assert 2 < quiet.sum() < 25
    assert not quiet[story.touches.account[story.touches.account != NOBODY]].any()


def test_where_sales_writes_nothing_down_there_is_no_touch_of_sales(story: Story) -> None:
    sales = np.asarray([stream.team == "sales" for stream in STREAMS])[story.touches.stream]
    unlogged = story.world.accounts.unlogged[story.touches.account] & (story.touches.account != NOBODY)
    assert not (sales & unlogged).any()
    assert (~sales & unlogged).sum() > 100


def test_a_forgotten_deal_is_not_spoken_of_again(story: Story) -> None:
    deals = story.world.deals
    forgotten = np.flatnonzero(deals.forgotten).tolist()
    assert forgotten
    for deal in forgotten:
        mine = story.touches.at[story.touches.account == deals.account[deal]]
        assert mine.max() < deals.opened[deal] + 15 * DAY


def test_every_deal_has_a_sure_touch_unless_its_account_is_quiet(story: Story) -> None:
    """One that names the account, of sales where sales writes down what it does, from two months before the opening."""
    touches, accounts, deals = story.touches, story.world.accounts, story.world.deals
    named = touches.account_seen != NOBODY
    sales = np.asarray([stream.team == "sales" for stream in STREAMS])[touches.stream]
    for deal, account in enumerate(deals.account.tolist()):
        if not accounts.quiet[account]:
            counts = named & (touches.account == account) & (sales | accounts.unlogged[account])
            at = touches.at[counts]
            assert ((at >= deals.opened[deal] - 60 * DAY) & (at <= max(deals.close[deal] - 4 * DAY, deals.opened[deal]))).any()
