"""Accounts, people and deals: every number points at something that exists, and shares are those of the catalogue."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from simulator.catalogue import CURRENCIES, REGIONS, ROUTES, SEGMENTS
from simulator.clock import DAY, FIRST_SECONDS, START_SECONDS
from simulator.world import CURRENCY_CODES, World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(9, 3_000, 400)


def columns(part: Any) -> dict[str, list[int] | int]:
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return {name: value if isinstance(value, int) else value.tolist() for name, value in values.items()}


def test_a_seed_is_a_world() -> None:
    one, same, other = (build_world(seed, 50, 100) for seed in (1, 1, 2))
    for part in ("accounts", "people", "deals"):
        assert columns(getattr(one, part)) == columns(getattr(same, part))
        assert columns(getattr(one, part)) != columns(getattr(other, part))


def test_a_longer_time_has_the_same_accounts_and_people() -> None:
    """Streams of draws are apart: what is drawn for deals changes nobody's name."""
    short, long = build_world(1, 80, 100), build_world(1, 80, 700)
    assert columns(short.accounts) == columns(long.accounts)
    assert columns(short.people) == columns(long.people)
    assert len(long.deals) > 4 * len(short.deals)


def test_the_end_is_the_last_days_midnight(world: World) -> None:
    assert world.end == START_SECONDS + 400 * DAY


def test_few_accounts_are_much_more_active_than_most(world: World) -> None:
    weight = np.sort(world.accounts.weight)[::-1]
    assert weight[-1] > 0
    assert weight[: len(weight) // 10].sum() > 0.35 * weight.sum()
    assert len(set(weight.tolist())) > 0.9 * len(weight)


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("segment", [segment.share for segment in SEGMENTS]),
        ("region", [region.share for region in REGIONS]),
        ("route", [share for _, share in ROUTES]),
        ("merged", [9_850, 150]),
        ("quiet", [9_750, 250]),
        ("unlogged", [9_700, 300]),
    ],
)
def test_shares_of_accounts(world: World, column: str, shares: list[int]) -> None:
    counts = np.bincount(getattr(world.accounts, column).astype(np.int64), minlength=len(shares))
    assert (counts / len(world.accounts)).tolist() == pytest.approx([share / 10_000 for share in shares], abs=0.025)


def test_large_accounts_are_mostly_enterprises(world: World) -> None:
    largest = np.argsort(world.accounts.weight)[::-1][:200]
    assert (world.accounts.segment[largest] == 0).mean() > 0.8


def test_clocks_and_money_are_those_of_the_region(world: World) -> None:
    accounts = world.accounts
    for region, offset, currency in zip(accounts.region.tolist(), accounts.offset.tolist(), accounts.currency.tolist(), strict=True):
        assert offset in REGIONS[region].offsets
        assert CURRENCY_CODES[currency] in dict(REGIONS[region].currencies)


def test_people_are_numbered_by_account(world: World) -> None:
    people = world.people
    assert (people.count >= 1).all()
    assert people.first.tolist() == [0, *np.cumsum(people.count)[:-1].tolist()]
    assert people.account.tolist() == np.repeat(np.arange(3_000), people.count).tolist()
    for number, segment in enumerate(SEGMENTS):
        sizes = people.count[world.accounts.segment == number]
        assert segment.people[0] <= sizes.min() <= sizes.max() <= segment.people[-1]


def test_a_browser_is_shared_with_the_colleague_before_or_not_at_all(world: World) -> None:
    people = world.people
    own = np.arange(len(people.account))
    shared = people.visitor != own
    assert 0 < shared.mean() < 0.04
    assert (people.visitor[shared] == own[shared] - 1).all()
    assert (people.account[people.visitor[shared]] == people.account[shared]).all()


def test_second_browsers_are_nobody_elses(world: World) -> None:
    people = world.people
    total = len(people.account)
    phones = people.second_visitor[people.second_visitor != people.visitor]
    assert sorted(phones.tolist()) == list(range(total, people.visitors))
    assert len(phones) / total == pytest.approx(0.35, abs=0.02)


def test_deals_are_ordered_by_account_and_opening(world: World) -> None:
    deals = world.deals
    assert (np.diff(deals.account) >= 0).all()
    same = np.diff(deals.account) == 0
    assert (np.diff(deals.opened)[same] >= 0).all()
    assert deals.nth.tolist() == [int((deals.account[:i] == account).sum()) for i, account in enumerate(deals.account.tolist())]


def test_deals_open_on_workdays_inside_the_time_and_close_later(world: World) -> None:
    deals = world.deals
    assert (deals.opened > FIRST_SECONDS + 2 * DAY).all()
    assert (deals.opened < world.end + 2 * DAY).all()
    assert ((deals.opened // DAY + 3) % 7 < 5).all()
    assert (deals.close >= START_SECONDS + DAY).all(), "what was closed before the first day nobody has taken over"
    assert (deals.close >= deals.opened + DAY // 4).all()


def test_a_contact_works_for_the_account(world: World) -> None:
    assert (world.people.account[world.deals.contact] == world.deals.account).all()


def test_amounts_are_round_in_their_currency(world: World) -> None:
    deals = world.deals
    for number, code in enumerate(CURRENCY_CODES):
        amounts, step = deals.amount[deals.currency == number], CURRENCIES[code][2]
        assert len(amounts) > 20
        assert (amounts % step == 0).all()
        assert (amounts >= step).all()
    assert (deals.currency == world.accounts.currency[deals.account]).all()


def test_amounts_in_dollars_are_those_of_the_segment(world: World) -> None:
    deals, in_dollars = world.deals, world.deals.currency == CURRENCY_CODES.index("USD")
    for number, segment in enumerate(SEGMENTS):
        amounts = deals.amount[in_dollars & (world.accounts.segment[deals.account] == number)]
        assert segment.amount[0] - 50 < amounts.min()
        assert amounts.max() <= segment.amount[-1]
        assert np.median(amounts) == pytest.approx(segment.amount[2], rel=0.15)


def test_yen_are_worth_what_dollars_are(world: World) -> None:
    """The price list of a currency is that of dollars at the first rate."""
    deals, segment = world.deals, world.accounts.segment[world.deals.account]
    small = segment == 2
    yen, dollars = (np.median(deals.amount[small & (deals.currency == CURRENCY_CODES.index(code))]) for code in ("JPY", "USD"))
    assert yen / dollars == pytest.approx(CURRENCIES["JPY"][0] / CURRENCIES["USD"][0], rel=0.2)


def test_chances_and_luck_are_parts_of_ten_thousand(world: World) -> None:
    deals = world.deals
    base = np.asarray([segment.base_win for segment in SEGMENTS])[world.accounts.segment[deals.account]]
    customer = world.accounts.customer[deals.account]
    extra = np.where(deals.renewal, 4_000, np.where(customer, 600, 0))
    assert ((deals.base_win >= base + extra) & (deals.base_win < base + extra + 1_800)).all()
    assert ((deals.luck >= 0) & (deals.luck < 10_000)).all()
    assert deals.luck.mean() == pytest.approx(5_000, rel=0.05)


def test_deals_a_year_are_those_of_the_segment(world: World) -> None:
    for number, segment in enumerate(SEGMENTS):
        accounts = world.accounts.segment == number
        deals = accounts[world.deals.account[world.deals.opened >= START_SECONDS]].sum()
        assert deals / accounts.sum() == pytest.approx(segment.deals / 10_000 * 400 / 365, rel=0.12)


@pytest.mark.parametrize(("accounts", "days"), [(1, 1), (2, 1), (1, 2_000)])
def test_worlds_of_one(accounts: int, days: int) -> None:
    world = build_world(0, accounts, days)
    assert len(world.accounts) == accounts
    assert len(world.people.account) >= accounts
    assert set(world.deals.account.tolist()) <= set(range(accounts))


def test_the_first_months_are_like_later_ones(world: World) -> None:
    """As many deals are open on the first day as half a year later."""
    deals = world.deals
    first, later = (((deals.opened < at) & (deals.close >= at)).sum() for at in (START_SECONDS, START_SECONDS + 180 * DAY))
    assert first > 300
    assert first / later == pytest.approx(1, abs=0.15)


def test_renewals_are_of_customers_alone(world: World) -> None:
    deals, customer = world.deals, world.accounts.customer[world.deals.account]
    assert not deals.renewal[~customer].any()
    assert deals.renewal[customer].mean() == pytest.approx(0.45, abs=0.05)


def test_forgotten_deals_are_old_and_the_last_of_their_account(world: World) -> None:
    deals = world.deals
    forgotten = np.flatnonzero(deals.forgotten).tolist()
    assert len(forgotten) > 20
    for deal in forgotten:
        others = (deals.account == deals.account[deal]) & (np.arange(len(deals)) != deal)
        assert (deals.close[others] < deals.opened[deal]).all()
        assert deals.close[deal] == world.end + 60 * DAY
        segment = SEGMENTS[int(world.accounts.segment[deals.account[deal]])]
        assert deals.opened[deal] + 2 * segment.cycle[3] * DAY < world.end
        assert not world.accounts.quiet[deals.account[deal]]
