"""Leads: who filled in a form, and how far each got."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.catalogue import CAMPAIGNS, STREAMS
from simulator.clock import DAY, START_SECONDS
from simulator.draws import Draws, Ints
from simulator.touches import NOBODY, Touches, campaign_window
from simulator.world import World

__all__ = ["PATHS", "Leads", "build_leads", "entry_touches"]

_INBOUND = (8_500, 700, 1_500, 1_200)  # by route: deals that began as a lead
_IDLE = 6_000  # leads per account and year that never become a deal

PATHS: tuple[tuple[int, tuple[tuple[str, int, str | None], ...]], ...] = (
    # share; stage, days after the inquiry, reason
    (3_500, ()),
    (2_500, (("mql", 3, None),)),
    (1_800, (("mql", 2, None), ("rejected", 5, "not_a_fit"))),
    (1_200, (("mql", 4, None), ("sal", 6, None), ("rejected", 20, "no_budget"))),
    (1_000, (("mql", 2, None), ("recycled", 15, "bad_timing"), ("mql", 75, None), ("sal", 78, None))),
)
"""What becomes of leads without a deal."""


def _entry_points() -> tuple[tuple[int, int, int], ...]:
    """Return (stream, kind, weight): the ways in, which are the forms and the registrations."""
    points = []
    weights = {"c-category-search": 24, "c-linkedin-cfo": 14, "c-report": 16, "c-calculator": 9, None: 22}
    for number, stream in enumerate(STREAMS):
        kinds = [kind for kind, _ in stream.kinds]
        if "form" in kinds:
            points.append((number, kinds.index("form"), weights.get(stream.campaign, 5)))
        elif kinds[0] in ("webinar", "event_attended"):
            points.append((number, 0, 10))
    return tuple(points)


ENTRY_POINTS = _entry_points()
_ORGANIC = next(number for number, stream in enumerate(STREAMS) if stream.channel == "organic_search")


@dataclass(frozen=True)
class Leads:
    """One row per lead, those of deals first."""

    deal: Ints  # -1: none
    account: Ints
    person: Ints
    inquiry: Ints  # seconds
    stream: Ints  # by which it came in
    kind: Ints
    path: Ints  # of PATHS, for those without a deal
    conversion: Ints  # 0: its stages name the person; 1: an identity event does; 2: nobody does


def build_leads(world: World) -> Leads:
    """Draw the leads behind deals and the idle ones."""
    draws, deals, accounts = Draws(world.seed, "leads"), world.deals, world.accounts
    inbound = np.flatnonzero(draws.chance(len(deals), np.asarray(_INBOUND)[accounts.route[deals.account]]))
    lag = draws.quantile(len(inbound), (1, 6, 15, 30, 60, 150)) * DAY + draws.below(len(inbound), DAY // 3)
    idle = max(1, len(accounts) * _IDLE * world.days // 3_650_000)
    idle_account = draws.pick(idle, accounts.weight)
    idle_person = world.people.first[idle_account] + draws.below(idle, world.people.count[idle_account])
    account = np.concatenate([deals.account[inbound], idle_account])
    inquiry = np.concatenate([np.maximum(deals.opened[inbound] - lag, START_SECONDS), START_SECONDS + draws.below(idle, world.days * DAY)])
    stream, kind = _ways_in(world, draws, inquiry)
    return Leads(
        deal=np.concatenate([inbound, np.full(idle, NOBODY, np.int64)]),
        account=account,
        person=np.concatenate([deals.contact[inbound], idle_person]),
        inquiry=inquiry,
        stream=stream,
        kind=kind,
        path=draws.pick(len(account), [share for share, _ in PATHS]),
        conversion=draws.pick(len(account), (70, 25, 5)),
    )


def _ways_in(world: World, draws: Draws, inquiry: Ints) -> tuple[Ints, Ints]:
    """Pick a way in for each lead; a campaign that is not running gives way to organic search."""
    points = np.asarray(ENTRY_POINTS, dtype=np.int64)
    chosen = draws.pick(len(inquiry), points[:, 2])
    stream, kind = points[chosen, 0], points[chosen, 1]
    windows = np.asarray([_window(number, world.days) for number in range(len(STREAMS))], dtype=np.int64)
    day = (inquiry - START_SECONDS) // DAY
    runs = (day >= windows[stream, 0]) & (day <= windows[stream, 1])
    organic = next(point for point in ENTRY_POINTS if point[0] == _ORGANIC)
    return np.where(runs, stream, organic[0]), np.where(runs, kind, organic[1])


def _window(stream: int, days: int) -> tuple[int, int]:
    campaign = STREAMS[stream].campaign
    return next((campaign_window(each, days) for each in CAMPAIGNS if each.id == campaign), (0, days))


def entry_touches(world: World, leads: Leads) -> Touches:
    """Return the touch by which each lead came in: a form knows the browser and the person, a registration the account too."""
    draws = Draws(world.seed, "forms")
    size, people = len(leads.inquiry), world.people
    campaigns = {campaign.id: number for number, campaign in enumerate(CAMPAIGNS)}
    by_stream = np.asarray([campaigns.get(stream.campaign or "", NOBODY) for stream in STREAMS])
    knows_account = np.asarray([stream.ids == "known" for stream in STREAMS])[leads.stream]
    return Touches(
        stream=leads.stream,
        kind=leads.kind,
        campaign=by_stream[leads.stream],
        account=leads.account,
        person=leads.person,
        at=leads.inquiry - draws.below(size, 90),
        page=np.full(size, 1, np.int64),
        account_seen=np.where(knows_account, leads.account, NOBODY),
        person_seen=leads.person,
        visitor_seen=np.where(knows_account, NOBODY, people.visitor[leads.person]),
        retracted=np.zeros(size, bool),
    )
