"""Touches: every stream of the catalogue played out over the accounts, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulator.catalogue import CAMPAIGNS, PAGES, STREAMS, Campaign, Stream
from simulator.clock import DAY, START_SECONDS, on_weekday
from simulator.draws import Bools, Draws, Ints
from simulator.world import World

__all__ = ["NOBODY", "Touches", "build_touches", "campaign_window"]

NOBODY = -1
_CAMPAIGN_NO = {campaign.id: number for number, campaign in enumerate(CAMPAIGNS)}


@dataclass(frozen=True)
class Touches:
    """One row per touch, ordered by time. `account` is the truth; the `*_seen` columns are what its event says."""

    stream: Ints
    kind: Ints  # number among the stream's kinds
    campaign: Ints  # -1: none
    account: Ints
    person: Ints
    at: Ints  # seconds
    page: Ints
    account_seen: Ints  # -1 where the event does not say
    person_seen: Ints
    visitor_seen: Ints
    retracted: Bools

    def __len__(self) -> int:
        return len(self.at)


def campaign_window(campaign: Campaign, days: int) -> tuple[int, int]:
    """Return the first and the last day (offsets from START) on which a campaign runs."""
    first = campaign.begins * days // 10_000
    last = first + campaign.days - 1 if campaign.days else campaign.ends * days // 10_000 - 1
    return min(first, days - 1), max(first, min(last, days - 1))


def build_touches(world: World, forms: Touches) -> Touches:
    """Play all streams and merge them with the forms by which leads came in, ordered by time."""
    parts = [forms, *(_play(world, number, stream) for number, stream in enumerate(STREAMS))]
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Touches)}
    keep = (columns["at"] >= START_SECONDS) & (columns["at"] < world.end)
    order = np.argsort(columns["at"][keep], kind="stable")
    return Touches(**{name: column[keep][order] for name, column in columns.items()})


def _play(world: World, number: int, stream: Stream) -> Touches:
    draws = Draws(world.seed, f"stream/{number}")
    total = max(4, len(world.accounts) * stream.rate * world.days // 36_500)
    near = total * stream.near_deal // 100 if len(world.deals) else 0
    account, at = _spread(world, stream, draws, total - near)
    if near:
        near_account, near_at = _around_deals(world, stream, draws, near)
        account, at = np.concatenate([account, near_account]), np.concatenate([at, near_at])
    account, at = _with_repeats(draws, account, at, stream.repeats)
    keep = _while_running(world, stream, at)
    return _columns(world, number, stream, draws, account[keep], at[keep])


def _spread(world: World, stream: Stream, draws: Draws, size: int) -> tuple[Ints, Ints]:
    """Touches all over the campaign's time, more of them for larger accounts."""
    accounts = world.accounts
    account = draws.pick(size, np.maximum(accounts.weight * np.asarray(stream.routes)[accounts.route], 1))
    first, last = campaign_window(CAMPAIGNS[_CAMPAIGN_NO[stream.campaign]], world.days) if stream.campaign else (0, world.days - 1)
    day = first + draws.below(size, last - first + 1)
    return account, _at_work(draws, world, account, START_SECONDS + day * DAY)


def _around_deals(world: World, stream: Stream, draws: Draws, size: int) -> tuple[Ints, Ints]:
    """Touches in the story of a deal; whether it will be won plays no part, only how much its account wants to buy."""
    deals = world.deals
    weight = np.asarray(stream.routes)[world.accounts.route[deals.account]] * 4
    if stream.wants_intent:
        weight = weight * (deals.base_win - 700) // 150
    deal = draws.pick(size, np.maximum(weight, 1))
    midnight = (deals.opened[deal] // DAY + draws.quantile(size, stream.days)) * DAY
    account = deals.account[deal]
    return account, _at_work(draws, world, account, midnight)


def _at_work(draws: Draws, world: World, account: Ints, midnight: Ints) -> Ints:
    """Between seven in the morning and seven in the evening where the account is."""
    local = 7 * 3600 + draws.quantile(len(account), (0, 2 * 3600, 3 * 3600, 7 * 3600, 12 * 3600))
    return midnight + local - world.accounts.offset[account] * 60


def _with_repeats(draws: Draws, account: Ints, at: Ints, per_10k: int) -> tuple[Ints, Ints]:
    """Some come back within the half hour: journeys collapse those."""
    again = draws.chance(len(at), per_10k)
    later = at[again] + 20 + draws.below(int(again.sum()), 2_400)
    return np.concatenate([account, account[again]]), np.concatenate([at, later])


def _while_running(world: World, stream: Stream, at: Ints) -> Bools:
    if stream.campaign is None:
        return np.ones(len(at), bool)
    first, last = campaign_window(CAMPAIGNS[_CAMPAIGN_NO[stream.campaign]], world.days)
    day = (at - START_SECONDS) // DAY
    return np.asarray((day >= first) & (day <= last))


def _columns(world: World, number: int, stream: Stream, draws: Draws, account: Ints, at: Ints) -> Touches:
    size, people = len(account), world.people
    # most touches of an account are of its first two or three people
    seat = np.minimum(draws.below(size, people.count[account]), draws.below(size, people.count[account]))
    person = people.first[account] + seat
    account_seen, person_seen, visitor_seen = _ids(world, stream, draws, account, person)
    return Touches(
        stream=np.full(size, number, np.int64),
        kind=draws.pick(size, [weight for _, weight in stream.kinds]),
        campaign=np.full(size, NOBODY if stream.campaign is None else _CAMPAIGN_NO[stream.campaign], np.int64),
        account=account,
        person=person,
        at=on_weekday(at) if stream.team == "sales" else at,
        page=draws.below(size, len(PAGES)),
        account_seen=account_seen,
        person_seen=person_seen,
        visitor_seen=visitor_seen,
        retracted=draws.chance(size, 60 if stream.ids == "web" else 0),
    )


def _ids(world: World, stream: Stream, draws: Draws, account: Ints, person: Ints) -> tuple[Ints, Ints, Ints]:
    """Say which ids each touch carries: browsers know little, a sales call knows everything."""
    size, people = len(account), world.people
    nobody = np.full(size, NOBODY, np.int64)
    visitor = np.where(draws.chance(size, 2_500), people.second_visitor[person], people.visitor[person])
    stranger = people.visitors + account * 2 + draws.below(size, 2)  # never logs in
    if stream.ids == "account":
        return account, nobody, nobody
    if stream.ids == "known":
        return account, np.where(draws.chance(size, 9_000), person, NOBODY), nobody
    if stream.ids == "email":
        return nobody, person, np.where(draws.chance(size, 2_500), visitor, NOBODY)
    if stream.ids == "form":
        return nobody, np.where(draws.chance(size, 4_500), person, NOBODY), visitor
    unknown = draws.chance(size, 2_800)
    return nobody, np.where(~unknown & draws.chance(size, 1_200), person, NOBODY), np.where(unknown, stranger, visitor)
