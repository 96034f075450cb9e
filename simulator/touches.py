"""Touches: every stream of the catalogue played out over the accounts, as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulator.catalogue import CAMPAIGNS, PAGES, STREAMS, Campaign, Stream
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START_SECONDS, on_weekday
from simulator.draws import Bools, Draws, Ints
from simulator.history import Contracts
from simulator.world import World

__all__ = ["NOBODY", "Touches", "audience_window", "build_touches", "campaign_window", "play_streams"]

NOBODY = -1
_REMEMBERED = 15 * DAY  # how long somebody works on a deal that is then forgotten
_SALES, _SUPPORT = (
    next(number for number, stream in enumerate(STREAMS) if stream.channel == channel) for channel in ("sales", "customer_success")
)
_CAMPAIGN_NO = {campaign.id: number for number, campaign in enumerate(CAMPAIGNS)}


@dataclass(frozen=True)
class Touches:
    """One row per touch, ordered by time. `account` is the truth; the `*_seen` columns are what its event says."""

    stream: Ints
    kind: Ints  # number among the stream's kinds
    campaign: Ints  # -1: none
    account: Ints  # -1: a stranger's, whom nobody sells to
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
    """Return the first and the last day (offsets from START) on which a campaign is in the books."""
    first = campaign.begins * days // 10_000
    last = first + campaign.days - 1 if campaign.days else campaign.ends * days // 10_000 - 1
    return min(first, days - 1), max(first, min(last, days - 1))


def audience_window(campaign: Campaign, days: int) -> tuple[int, int]:
    """Return the days on which somebody may see a campaign: one that runs from the first day on ran before it too."""
    first, last = campaign_window(campaign, days)
    return (-RUN_UP if campaign.begins == 0 else first), last


def build_touches(world: World, forms: Touches, contracts: Contracts) -> Touches:
    """Play all streams and merge them with the forms by which leads came in, ordered by time.

    Afterwards every deal has a touch that is surely its own, and one of sales where sales writes down what it does: only the
    accounts that are quiet have deals without touch.
    """
    played = _joined([forms, play_streams(world)])
    told = _rows(played, _is_told(world, played))
    all_of_them = _joined([told, _assured(world, told, _SALES), _assured(world, told, _SUPPORT), _of_contracts(world, contracts)])
    return _rows(all_of_them, np.argsort(all_of_them.at, kind="stable"))


def play_streams(world: World) -> Touches:
    """Play all streams, one after the other; some of it may be outside the time."""
    return _joined([_play(world, number, stream) for number, stream in enumerate(STREAMS)])


def _joined(parts: list[Touches]) -> Touches:
    return Touches(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Touches)})


def _rows(touches: Touches, rows: Ints | Bools) -> Touches:
    return Touches(**{f.name: getattr(touches, f.name)[rows] for f in fields(Touches)})


def _is_told(world: World, touches: Touches) -> Bools:
    """Leave out what is outside the story, quiet accounts, calls that nobody wrote down, and whoever was forgotten since."""
    accounts, account = world.accounts, touches.account
    known = account != NOBODY
    quiet_from = np.where(accounts.quiet, 0, world.end)
    forgotten = np.flatnonzero(world.deals.forgotten)
    quiet_from[world.deals.account[forgotten]] = world.deals.opened[forgotten] + _REMEMBERED
    sales = np.asarray([stream.team == "sales" for stream in STREAMS])[touches.stream]
    heard = (touches.at < quiet_from[account]) & ~(sales & accounts.unlogged[account])
    return np.asarray((touches.at >= FIRST_SECONDS) & (touches.at < world.end) & (heard | ~known))


def _assured(world: World, told: Touches, stream: int) -> Touches:
    """Add a call or a meeting for each deal that would be without: of sales, or of support where sales writes nothing down.

    It is in the journey of the deal whatever becomes of it: not long before the opening, and its account is named.
    """
    accounts, deals = world.accounts, world.deals
    mine = ~accounts.quiet[deals.account] & (accounts.unlogged[deals.account] == (stream == _SUPPORT))
    teams = {"sales"} if stream == _SALES else {"sales", "customer", "partner"}
    sure = np.asarray([each.team in teams and each.ids in ("known", "account") for each in STREAMS])[told.stream]
    span = np.int64(1) << 33
    key = np.sort(told.account[sure] * span + told.at[sure])
    low = np.searchsorted(key, deals.account * span + deals.opened - 60 * DAY, side="left")
    high = np.searchsorted(key, deals.account * span + np.maximum(deals.close - 4 * DAY, deals.opened), side="right")
    deal = np.flatnonzero(mine & (low == high))
    draws = Draws(world.seed, f"assured/{stream}")
    at = on_weekday(deals.opened[deal] - 3_600 - draws.below(len(deal), 2 * DAY))
    return _calls(draws, stream, deals.account[deal], deals.contact[deal], at)


def _of_contracts(world: World, contracts: Contracts) -> Touches:
    """Return the meeting before each contract of long ago."""
    draws = Draws(world.seed, "contracts/touches")
    row = np.flatnonzero(~world.accounts.quiet[contracts.account])
    account, at = contracts.account[row], contracts.closed[row] - DAY - draws.below(len(row), 3 * DAY)
    stream = np.where(world.accounts.unlogged[account], _SUPPORT, _SALES)
    return _calls(draws, stream, account, contracts.contact[row], np.maximum(at, contracts.opened[row]))


def _calls(draws: Draws, stream: Ints | int, account: Ints, person: Ints, at: Ints) -> Touches:
    size = len(account)
    nobody = np.full(size, NOBODY, np.int64)
    return Touches(
        stream=np.broadcast_to(np.asarray(stream, np.int64), size),
        kind=draws.below(size, 2),
        campaign=nobody,
        account=account,
        person=person,
        at=at,
        page=np.zeros(size, np.int64),
        account_seen=account,
        person_seen=person,
        visitor_seen=nobody,
        retracted=np.zeros(size, bool),
    )


def _play(world: World, number: int, stream: Stream) -> Touches:
    draws = Draws(world.seed, f"stream/{number}")
    days = world.days + (RUN_UP if _window(stream, world.days)[0] < 0 else 0)
    total = max(4, len(world.accounts) * stream.rate * days // 36_500)
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
    first, last = _window(stream, world.days)
    day = first + draws.below(size, last - first + 1)
    return account, _at_work(draws, world, account, START_SECONDS + day * DAY)


def _window(stream: Stream, days: int) -> tuple[int, int]:
    return audience_window(CAMPAIGNS[_CAMPAIGN_NO[stream.campaign]], days) if stream.campaign else (-RUN_UP, days - 1)


def _around_deals(world: World, stream: Stream, draws: Draws, size: int) -> tuple[Ints, Ints]:
    """Touches in the story of a deal; whether it will be won plays no part, only how much its account wants to buy."""
    deals = world.deals
    weight = np.asarray(stream.routes)[world.accounts.route[deals.account]] * 4
    if stream.wants_intent:
        weight = weight * (deals.base_win - 50) // 150
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
    first, last = _window(stream, world.days)
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
