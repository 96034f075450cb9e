"""How each deal is worked on and written down: drawn before anybody knows whether it will be won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.agreements import MAX_DISCOUNT
from simulator.catalogue import LOSS_REASONS, OWNER_CARELESSNESS, OWNERS
from simulator.clock import DAY
from simulator.draws import Bools, Draws, Ints
from simulator.world import World

__all__ = ["COURSES", "DELETED_AFTER", "TWISTS", "Plot", "deleted_deals", "plot_deals"]

TWISTS: tuple[tuple[str, int], ...] = (
    ("none", 6_870),
    ("amended", 700),
    ("corrected", 250),  # the close date was wrong
    ("reopened_lost", 230),
    ("reopened_won", 250),
    ("deleted", 100),
    ("refund", 750),
    ("late_refund", 300),
    ("credit_note", 150),
    ("true_up", 400),
)
"""What happens after the close."""

COURSES: tuple[tuple[str, int], ...] = (("straight", 9_250), ("no_proposal", 200), ("no_negotiation", 300), ("back_again", 250))
"""How a deal goes through the declared stages."""

DELETED_AFTER = 6 * DAY
_BACKDATED, _LATE_ENTRY, _STEEP = 380, 330, 800
_SHORT = 120 * DAY
"""Only deals of so few days are first written down after their close."""


@dataclass(frozen=True)
class Plot:
    """Draws that decide how each deal's record unfolds. Everything from `no_contact` on is a habit of whoever keeps it."""

    twist: Ints
    course: Ints
    owner: Ints
    product: Ints
    loss_reason: Ints
    discount: Ints  # per cent of the list price: more than is agreed for a few
    percent: Ints  # size of an amendment or a refund
    has_segment: Bools
    group: Ints  # further contacts
    every: Ints  # seconds between two looks at an open deal
    pushes: Ints  # how often the expected close is put later
    recorded: Ints  # seconds from the close to its record, where that is late
    backdated: Bools
    late_entry: Bools  # written down after its close, in one go
    no_contact: Bools
    late_contact: Bools  # only with the offer
    no_loss_reason: Bools
    no_amount: Bools  # before the offer
    no_next_step: Bools
    rare: Bools  # looked at once in weeks
    overdue: Bools  # the expected close passes and nobody cares
    no_expected: Bools


def plot_deals(world: World) -> Plot:
    """Draw the record keeping of all deals."""
    draws, deals = Draws(world.seed, "plot"), world.deals
    size = len(deals)
    twist = draws.pick(size, [weight for _, weight in TWISTS])
    plain = twist == 0
    owner = draws.below(size, len(OWNERS))
    careless = np.asarray(OWNER_CARELESSNESS)[owner]
    steep = draws.chance(size, _STEEP * careless // 10)
    late_entry = plain & draws.chance(size, _LATE_ENTRY) & (deals.close - deals.opened < _SHORT)
    recorded = 5 * DAY + draws.below(size, 20 * DAY)
    told = deals.close + recorded + DAY < world.end
    return Plot(
        twist=twist,
        course=draws.pick(size, [weight for _, weight in COURSES]),
        owner=owner,
        product=draws.pick(size, (50, 25, 15, 10)),
        loss_reason=draws.below(size, len(LOSS_REASONS)),
        discount=np.where(steep, MAX_DISCOUNT + 1 + draws.below(size, 18), draws.quantile(size, (0, 0, 5, 10, MAX_DISCOUNT))),
        percent=draws.quantile(size, (5, 10, 20, 35)),
        has_segment=draws.chance(size, 9_700),
        group=draws.quantile(size, (0, 1, 2, 4)),
        every=8 * DAY + draws.below(size, 5 * DAY),
        pushes=draws.pick(size, (64, 22, 8, 4, 2)),
        recorded=recorded,
        backdated=plain & draws.chance(size, _BACKDATED) & told & ~late_entry,
        late_entry=late_entry & told,
        **_habits(draws, careless),
    )


def _habits(draws: Draws, careless: Ints) -> dict[str, Bools]:
    chances = {
        "no_contact": 800,
        "late_contact": 500,
        "no_loss_reason": 900,
        "no_amount": 1_400,
        "no_next_step": 600,
        "rare": 900,
        "overdue": 450,
        "no_expected": 200,
    }
    return {name: draws.chance(len(careless), chance * careless // 10) for name, chance in chances.items()}


def deleted_deals(world: World, plot: Plot) -> Bools:
    """Say which deals are deleted before the end of the simulation."""
    meant: Bools = plot.twist == [name for name, _ in TWISTS].index("deleted")
    return meant & (world.deals.close + DELETED_AFTER < world.end)
