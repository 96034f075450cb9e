"""Leads: who asked, by which way in, how good they are, and how far each got.

How good a lead is (its quality) is drawn first; what becomes of it is then likelier for the good ones. Its score is the
quality with an error of its own, and the reason of a rejection is drawn apart: neither tells how the lead ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.business_hours import BusinessHours
from simulator.catalogue import CAMPAIGNS, LEAD_SEGMENTS, SDR_PACE, STREAMS
from simulator.clock import DAY, FIRST_SECONDS, START_SECONDS, on_weekday
from simulator.draws import Bools, Draws, Ints
from simulator.touches import NOBODY, Touches, audience_window
from simulator.world import World

__all__ = ["ENTRY_POINTS", "INQUIRY", "MQL", "OPPORTUNITY", "SAL", "SQL", "Leads", "build_leads", "entry_touches"]

INQUIRY, MQL, SAL, SQL, OPPORTUNITY = range(1, 6)

_INBOUND = (9_600, 7_600, 7_600, 1_000)  # by route: deals that began as a lead
_SETTLED = 60 * DAY  # deals opened so early in the run-up have none
_IDLE = 66_000  # leads per account and year that never become a deal, in 10,000ths
_EARLIER = 45  # days before START from which idle leads are told
_OUTSIDERS = 7_500  # of those that sales never accepted: companies that nobody in sales knows
_BYPASSED = 450  # deals whose lead went past the SDRs

_NURTURED = (0, 1, 4, 12, 40, 120)  # days from inquiry to the last MQL of those that become a deal
_SCORED = (600, 4 * 3600, 2 * DAY, 6 * DAY, 12 * DAY, 30 * DAY)  # seconds from inquiry to MQL of all others
_TO_SAL = (1_200, 2 * 3600, 6 * 3600, 14 * 3600, 22 * 3600, 46 * 3600)  # business time: most within the agreed 24 hours
_TO_SQL = (3_600, 8 * 3600, 18 * 3600, 28 * 3600, 38 * 3600, 70 * 3600)  # the same of 40
_TO_END = (3_600, 12 * 3600, 30 * 3600, 60 * 3600, 160 * 3600)


def _entry_points() -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Return (stream, kind, weight by route): forms and registrations; on the routes of others their calls and meetings."""
    points: list[tuple[int, int, tuple[int, ...]]] = []
    weights = {"c-category-search": 24, "c-linkedin-cfo": 14, "c-report": 16, "c-calculator": 9, None: 22}
    for number, stream in enumerate(STREAMS):
        kinds = [kind for kind, _ in stream.kinds]
        if "form" in kinds:
            weight = weights.get(stream.campaign, 5)
            points.append((number, kinds.index("form"), (weight, weight // 5, weight // 6, weight // 2)))
        elif kinds[0] in ("webinar", "event_attended"):
            points.append((number, 0, (10, 3, 3, 6)))
        elif stream.team in ("sales", "partner", "customer") and stream.ids == "known":
            points.append((number, kinds.index("meeting"), _OWN_WAYS[stream.team]))
    return tuple(points)


_OWN_WAYS = {"sales": (0, 35, 0, 0), "partner": (0, 2, 120, 0), "customer": (0, 0, 0, 80)}
ENTRY_POINTS = _entry_points()
_ORGANIC = next(number for number, stream in enumerate(STREAMS) if stream.channel == "organic_search")


@dataclass(frozen=True)
class Leads:
    """One row per lead, those of deals first."""

    deal: Ints  # -1: none
    account: Ints  # -1: of a company that nobody in sales knows
    person: Ints  # strangers are numbered after the people of the accounts
    segment: Ints  # of LEAD_SEGMENTS, as the form says it
    inquiry: Ints  # seconds
    stream: Ints  # by which it came in
    kind: Ints
    quality: Ints  # 0 to 99
    reach: Ints  # rank of the last stage
    mql: Ints  # seconds; of those that never were one: unused
    to_sal: Ints  # seconds of business time from the MQL to its answer
    to_sql: Ints  # from SAL to its answer
    to_end: Ints  # from SQL to the opening of the deal or to the rejection
    bypassed: Bools  # of those of deals: no SDR ever saw it
    conversion: Ints  # 0: its stages name the person; 1: an identity event does; 2: nobody does

    def __len__(self) -> int:
        return len(self.deal)


def build_leads(world: World, hours: BusinessHours) -> Leads:
    """Draw the leads behind deals and the idle ones."""
    draws = Draws(world.seed, "leads")
    deal = _deals_with_leads(world, draws)
    idle = max(1, len(world.accounts) * _IDLE * (world.days + _EARLIER) // 3_650_000)
    mine, size = len(deal), len(deal) + idle
    quality = np.concatenate([draws.quantile(mine, (22, 46, 58, 70, 82, 99)), draws.quantile(idle, (0, 12, 25, 40, 60, 99))])
    reach = np.concatenate([np.full(mine, OPPORTUNITY), _reach(draws, quality[mine:])])
    account = np.concatenate([world.deals.account[deal], _idle_accounts(world, draws, reach[mine:])])
    pace = np.asarray(SDR_PACE)[np.arange(size) % len(SDR_PACE)]
    to_sal, to_sql, to_end = (draws.quantile(size, table) * pace // 10 for table in (_TO_SAL, _TO_SQL, _TO_END))
    waits = to_sal[:mine] + to_sql[:mine] + np.minimum(to_end[:mine], 40 * 3600)
    handed = hours.before(world.deals.opened[deal], waits)
    inquiry = START_SECONDS - _EARLIER * DAY + draws.below(idle, (world.days + _EARLIER) * DAY)
    stream, kind, asked = _ways_in(world, draws, account, np.concatenate([handed - _nurtured(draws, mine), inquiry]))
    return Leads(
        deal=np.concatenate([deal, np.full(idle, NOBODY, np.int64)]),
        account=account,
        person=np.concatenate([world.deals.contact[deal], _idle_people(world, draws, account[mine:])]),
        segment=_segments(world, draws, account),
        inquiry=asked,
        stream=stream,
        kind=kind,
        quality=quality,
        reach=reach,
        mql=np.concatenate([handed, asked[mine:] + draws.quantile(idle, _SCORED)]),
        to_sal=to_sal,
        to_sql=to_sql,
        to_end=to_end,
        bypassed=draws.chance(size, _BYPASSED) & (np.arange(size) < mine),
        conversion=draws.pick(size, (70, 25, 5)),
    )


def _deals_with_leads(world: World, draws: Draws) -> Ints:
    deals, accounts = world.deals, world.accounts
    inbound = draws.chance(len(deals), np.asarray(_INBOUND)[accounts.route[deals.account]])
    return np.flatnonzero(inbound & ~accounts.quiet[deals.account] & (deals.opened >= FIRST_SECONDS + _SETTLED))


def _nurtured(draws: Draws, size: int) -> Ints:
    return draws.quantile(size, _NURTURED) * DAY + 600 + draws.below(size, DAY // 3)


def _reach(draws: Draws, quality: Ints) -> Ints:
    """Say how far idle leads get: each step is likelier for the good ones, and certain for none."""
    size = len(quality)
    mql = draws.chance(size, 200 + quality * quality * 9 // 10)
    sal = mql & draws.chance(size, 500 + quality * 50)
    sql = sal & draws.chance(size, 600 + quality * 37)
    return np.asarray(INQUIRY + mql + sal + sql, dtype=np.int64)


def _idle_accounts(world: World, draws: Draws, reach: Ints) -> Ints:
    accounts, size = world.accounts, len(reach)
    account = draws.pick(size, np.where(accounts.quiet, 0, accounts.weight)) if not accounts.quiet.all() else np.full(size, NOBODY)
    return np.where((reach < SAL) & draws.chance(size, _OUTSIDERS), NOBODY, account)


def _idle_people(world: World, draws: Draws, account: Ints) -> Ints:
    """Pick somebody of the account; a stranger is somebody new."""
    people = world.people
    known = people.first[account] + draws.below(len(account), people.count[account])
    stranger = len(people.account) + np.cumsum(account == NOBODY) - 1
    return np.where(account == NOBODY, stranger, known)


def _segments(world: World, draws: Draws, account: Ints) -> Ints:
    """Say how large the company is, as its form tells: strangers are small or tiny."""
    small, tiny = LEAD_SEGMENTS.index("small_business"), LEAD_SEGMENTS.index("micro")
    stranger = np.where(draws.chance(len(account), 5_500), small, tiny)
    return np.where(account == NOBODY, stranger, world.accounts.segment[account])


def _ways_in(world: World, draws: Draws, account: Ints, inquiry: Ints) -> tuple[Ints, Ints, Ints]:
    """Pick a way in for each lead; a campaign that is not running gives way to organic search. Calls come on workdays."""
    inquiry = np.maximum(inquiry, FIRST_SECONDS + DAY // 3)
    points = np.asarray([(stream, kind) for stream, kind, _ in ENTRY_POINTS], dtype=np.int64)
    route = np.where(account == NOBODY, 0, world.accounts.route[account])
    size, routes = len(inquiry), range(len(ENTRY_POINTS[0][2]))
    chosen = np.choose(route, [draws.pick(size, [weights[each] for *_, weights in ENTRY_POINTS]) for each in routes])
    stream, kind = points[chosen, 0], points[chosen, 1]
    windows = np.asarray([_window(number, world.days) for number in range(len(STREAMS))], dtype=np.int64)
    day = (inquiry - START_SECONDS) // DAY
    runs = (day >= windows[stream, 0]) & (day <= windows[stream, 1])
    organic = next(point for point in ENTRY_POINTS if point[0] == _ORGANIC)
    stream, kind = np.where(runs, stream, organic[0]), np.where(runs, kind, organic[1])
    works = np.asarray([each.team != "marketing" for each in STREAMS])[stream]
    return stream, kind, np.where(works, np.maximum(on_weekday(inquiry), FIRST_SECONDS + 600), inquiry)


def _window(stream: int, days: int) -> tuple[int, int]:
    campaign = STREAMS[stream].campaign
    return next((audience_window(each, days) for each in CAMPAIGNS if each.id == campaign), (-10_000, days))


def entry_touches(world: World, leads: Leads) -> Touches:
    """Return the touch by which each lead came in: a form knows the browser and the person, a registration the account too."""
    draws = Draws(world.seed, "forms")
    size, people = len(leads), world.people
    campaigns = {campaign.id: number for number, campaign in enumerate(CAMPAIGNS)}
    by_stream = np.asarray([campaigns.get(stream.campaign or "", NOBODY) for stream in STREAMS])
    registered = np.asarray([stream.ids == "known" for stream in STREAMS])[leads.stream]
    stranger = people.visitors + 2 * len(world.accounts) + leads.person - len(people.account)
    is_stranger = leads.account == NOBODY
    browser = np.where(is_stranger, stranger, people.visitor[np.where(is_stranger, 0, leads.person)])
    return Touches(
        stream=leads.stream,
        kind=leads.kind,
        campaign=by_stream[leads.stream],
        account=leads.account,
        person=leads.person,
        at=leads.inquiry - draws.below(size, 90),
        page=np.full(size, 1, np.int64),
        account_seen=np.where(registered, leads.account, NOBODY),
        person_seen=leads.person,
        visitor_seen=np.where(registered, NOBODY, browser),
        retracted=np.zeros(size, bool),
    )
