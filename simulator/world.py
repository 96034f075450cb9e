"""The people and companies of the simulation: accounts, persons, visitors and deals, as columns of integers.

Rows are numbered; ids are made from the numbers when events are written. Nothing here knows about events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.catalogue import CURRENCIES, REGIONS, ROUTES, SEGMENTS
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START_SECONDS, on_weekday
from simulator.draws import Bools, Draws, Ints

__all__ = ["CURRENCY_CODES", "Accounts", "Deals", "People", "World", "build_world"]

CURRENCY_CODES: tuple[str, ...] = tuple(CURRENCIES)
_LOCAL_BASE = CURRENCIES["USD"][0]

_QUIET, _UNLOGGED, _FORGOTTEN, _RENEWALS = 250, 300, 1_000, 4_500
_SETTLED = 5 * DAY
"""The first deals open so long after the run-up began."""
_CUSTOMER = [name for name, _ in ROUTES].index("customer")


@dataclass(frozen=True)
class Accounts:
    """One row per account; `weight` is its activity, a zipf law of its rank."""

    weight: Ints
    segment: Ints
    region: Ints
    offset: Ints  # minutes east of UTC
    currency: Ints
    route: Ints
    merged: Bools  # known under two ids, joined by an identity event
    quiet: Bools  # nobody ever touches it: its deals come from nowhere
    unlogged: Bools  # whoever sells to it writes no call and no meeting into the CRM

    @property
    def customer(self) -> Bools:
        """Say which are customers since before the story: they renew and expand."""
        return np.asarray(self.route == _CUSTOMER)

    def __len__(self) -> int:
        return len(self.weight)


@dataclass(frozen=True)
class People:
    """One row per person, ordered by account; a visitor is a browser, and some browsers are shared."""

    account: Ints
    first: Ints  # per account: its first person
    count: Ints  # per account
    visitor: Ints  # the person's usual browser
    second_visitor: Ints  # another one, or the same
    visitors: int


@dataclass(frozen=True)
class Deals:
    """One row per deal, ordered by account and opening; what would happen, before any campaign works."""

    account: Ints
    opened: Ints  # seconds
    close: Ints  # seconds: when it will be decided
    amount: Ints  # whole units of its currency
    currency: Ints
    contact: Ints  # person
    nth: Ints  # 0 for the account's first
    renewal: Bools  # of a customer's contract
    forgotten: Bools  # left open and never looked at again
    base_win: Ints  # parts of 10,000
    luck: Ints  # drawn once: won when below the probability, with campaigns or without

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class World:
    """Everything that exists before marketing and sales do anything."""

    seed: int
    days: int
    accounts: Accounts
    people: People
    deals: Deals

    @property
    def end(self) -> int:
        """Seconds at which the simulation is looked at: nothing after it has happened yet."""
        return START_SECONDS + self.days * DAY


def build_world(seed: int, accounts: int, days: int) -> World:
    """Draw everything that exists before marketing and sales do anything."""
    companies = _accounts(Draws(seed, "accounts"), accounts)
    people = _people(Draws(seed, "people"), companies)
    return World(seed, days, companies, people, _deals(Draws(seed, "deals"), companies, people, days))


def _accounts(draws: Draws, size: int) -> Accounts:
    rank = np.argsort(np.argsort(draws.raw(size), kind="stable"), kind="stable").astype(np.int64)
    edges = np.cumsum([segment.share for segment in SEGMENTS])[:-1]
    by_rank = np.searchsorted(edges, rank * 10_000 // size, side="right").astype(np.int64)
    chosen = draws.pick(size, [segment.share for segment in SEGMENTS])
    region = draws.pick(size, [region.share for region in REGIONS])
    offset, currency = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for number, place in enumerate(REGIONS):
        here = region == number
        offset[here] = np.asarray(place.offsets)[draws.below(size, len(place.offsets))[here]]
        codes = np.asarray([CURRENCY_CODES.index(code) for code, _ in place.currencies])
        currency[here] = codes[draws.pick(size, [weight for _, weight in place.currencies])[here]]
    return Accounts(
        weight=10_000_000 // (rank + 10 + size // 20),
        segment=np.where(draws.chance(size, 1_500), chosen, by_rank),
        region=region,
        offset=offset,
        currency=currency,
        route=draws.pick(size, [share for _, share in ROUTES]),
        merged=draws.chance(size, 150),
        quiet=draws.chance(size, _QUIET),
        unlogged=draws.chance(size, _UNLOGGED),
    )


def _people(draws: Draws, accounts: Accounts) -> People:
    size = len(accounts)
    tables = [draws.quantile(size, segment.people) for segment in SEGMENTS]
    count = np.choose(accounts.segment, tables)
    first = np.cumsum(count) - count
    account = np.repeat(np.arange(size, dtype=np.int64), count)
    total = len(account)
    visitor = np.arange(total, dtype=np.int64)
    has_colleague = np.arange(total) > first[account]
    shares = has_colleague & draws.chance(total, 300)
    visitor = np.where(shares, visitor - 1, visitor)
    has_phone = draws.chance(total, 3_500)
    second = np.where(has_phone, total + np.cumsum(has_phone) - 1, visitor)
    return People(account, first, count, visitor, second, visitors=total + int(has_phone.sum()))


def _deals(draws: Draws, accounts: Accounts, people: People, days: int) -> Deals:
    """Draw the deals that are open at START or open later; what was closed before it nobody has taken over."""
    yearly = np.asarray([segment.deals for segment in SEGMENTS])[accounts.segment]
    account = np.repeat(np.arange(len(accounts), dtype=np.int64), draws.count(yearly * (days + RUN_UP) // 365))
    size = len(account)
    day = draws.below(size, days + RUN_UP)
    opened = FIRST_SECONDS + day * DAY + (8 * 3600 + draws.below(size, 9 * 3600)) - accounts.offset[account] * 60
    opened = on_weekday(np.maximum(opened, FIRST_SECONDS + _SETTLED))
    segment = accounts.segment[account]
    cycle = np.choose(segment, [draws.quantile(size, each.cycle) for each in SEGMENTS])
    close = np.maximum(on_weekday(opened + cycle * DAY + draws.below(size, 4 * 3600)), opened + DAY // 4)
    order = np.lexsort((opened, account))
    order = order[close[order] >= START_SECONDS + DAY]
    account, opened, close = account[order], opened[order], close[order]
    end = START_SECONDS + days * DAY
    forgotten = draws.chance(len(order), _FORGOTTEN) & ~accounts.quiet[account]
    forgotten &= _can_be_forgotten(account, opened, close, accounts.segment[account], end)
    return _described(draws, accounts, people, account, opened, np.where(forgotten, end + 60 * DAY, close), forgotten)


def _can_be_forgotten(account: Ints, opened: Ints, close: Ints, segment: Ints, end: int) -> Bools:
    """Say which are the last of their account, with no other still running, and opened long before the end for their kind."""
    long_ago = np.asarray([2 * each.cycle[3] + 45 for each in SEGMENTS])[segment] * DAY
    last = np.append(account[1:] != account[:-1], True)[: len(account)]
    span = np.int64(1) << 33
    latest = np.maximum.accumulate(account * span + close)  # of this account so far
    before = np.append(np.int64(0), latest[:-1])[: len(account)]
    return np.asarray(last & (opened + long_ago < end) & (before < account * span + opened))


def _described(draws: Draws, accounts: Accounts, people: People, account: Ints, opened: Ints, close: Ints, forgotten: Bools) -> Deals:
    """Draw what a deal is worth, who buys it and how likely that is; renewals and expansions are likelier."""
    size, segment, customer = len(account), accounts.segment[account], accounts.customer[account]
    dollars = np.choose(segment, [draws.quantile(size, each.amount) for each in SEGMENTS])
    renewal = draws.chance(size, _RENEWALS) & customer
    base = np.asarray([each.base_win for each in SEGMENTS])[segment] + draws.below(size, 1_800)
    return Deals(
        account=account,
        opened=opened,
        close=close,
        amount=_in_currency(dollars, accounts.currency[account]),
        currency=accounts.currency[account],
        contact=people.first[account] + draws.below(size, people.count[account]),
        nth=np.arange(size) - np.searchsorted(account, account, side="left"),
        renewal=renewal,
        forgotten=forgotten,
        base_win=base + np.where(renewal, 4_000, np.where(customer, 600, 0)),
        luck=draws.below(size, 10_000),
    )


def _in_currency(dollars: Ints, currency: Ints) -> Ints:
    """Price lists in each currency: converted once and rounded to what a price list says."""
    rate = np.asarray([CURRENCIES[code][0] for code in CURRENCY_CODES])[currency]
    step = np.asarray([CURRENCIES[code][2] for code in CURRENCY_CODES])[currency]
    converted: Ints = np.maximum(dollars * rate // _LOCAL_BASE // step, 1) * step
    return converted
