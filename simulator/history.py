"""What was before the story: the first contracts of those who are customers when it begins.

Without them a renewal would look like a new customer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.catalogue import OWNERS, PRODUCTS, SEGMENTS
from simulator.clock import DAY, FIRST_SECONDS, on_weekday
from simulator.draws import Draws, Ints
from simulator.world import World

__all__ = ["OLDEST", "Contracts", "first_contracts"]

_AGE = 600 * DAY
OLDEST = _AGE + 340 * DAY
"""Seconds before the run-up within which every first contract was opened."""


@dataclass(frozen=True)
class Contracts:
    """One row per customer: a deal that was won before the run-up, in dollars."""

    account: Ints
    opened: Ints  # seconds
    closed: Ints  # seconds
    dollars: Ints
    contact: Ints  # person
    product: Ints
    owner: Ints

    def __len__(self) -> int:
        return len(self.account)


def first_contracts(world: World) -> Contracts:
    """Draw the first contract of every customer."""
    draws, accounts = Draws(world.seed, "history"), world.accounts
    account = np.flatnonzero(accounts.customer)
    size, segment = len(account), accounts.segment[account]
    cycle = np.choose(segment, [draws.quantile(size, each.cycle) for each in SEGMENTS])
    closed = on_weekday(FIRST_SECONDS - 30 * DAY - draws.below(size, _AGE // DAY) * DAY - draws.below(size, 6 * 3600))
    return Contracts(
        account=account,
        opened=on_weekday(closed - cycle * DAY),
        closed=closed,
        dollars=np.choose(segment, [draws.quantile(size, each.amount) for each in SEGMENTS]) // 50 * 50,
        contact=world.people.first[account] + draws.below(size, world.people.count[account]),
        product=draws.below(size, len(PRODUCTS)),
        owner=draws.below(size, len(OWNERS)),
    )
