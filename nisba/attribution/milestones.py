"""The milestones of journeys: first touch, lead creation, opportunity creation, closed won (semantics: "Journeys")."""

from __future__ import annotations

import numpy as np

from nisba.attribution.columns import Bools, Ints, bisect, instants, integers, runs
from nisba.attribution.shards import Shard

__all__ = ["MILESTONES", "POSITIONS", "last_allowed", "lead_creation", "milestone_places", "positions"]

MILESTONES = ("FT", "LC", "OC", "CW")
POSITIONS = ["+".join(name for bit, name in enumerate(MILESTONES) if mask >> bit & 1) for mask in range(1 << len(MILESTONES))]
"""How a touch that holds some milestones is written, by their bits: '', FT, LC, FT+LC, …"""


def lead_creation(shard: Shard, earliest: Ints, close: Ints) -> tuple[Ints, Bools]:
    """Return lead creation, and where it is known: the deal's own leads first, else its account's inside the window, ends included."""
    own, has_own = instants(shard.deal["lead_created_at"])
    account, at_us = integers(shard.creation["account"])[0], instants(shard.creation["occurred_at"])[0]
    bounds = np.searchsorted(account, np.arange(shard.accounts + 1))
    low, high = bounds[shard.account], bounds[shard.account + 1]
    first = bisect(at_us, low, high, earliest, right=False)
    found = np.append(at_us, 0)[np.minimum(first, len(at_us))]
    inside = (first < high) & (found <= close)
    return np.where(has_own, own, np.where(inside, found, 0)), has_own | inside


def milestone_places(touched_at_us: Ints, lengths: Ints, opened_at_us: Ints, created_at_us: Ints, created: Bools) -> Ints:
    """Return the places of FT, LC, OC and CW in each journey, shape (journeys, 4); -1 where dropped, everywhere where empty.

    Journeys lie one after the other, each in order of time. Where lead creation is not known, LC is OC's touch.
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths

    def last_until(at_us: Ints) -> Ints:
        return bisect(touched_at_us, starts, ends, at_us, right=True) - 1 - starts

    opened = last_until(opened_at_us)
    lead = np.where(created, last_until(created_at_us), opened)
    return np.stack([np.where(lengths > 0, 0, -1), lead, opened, lengths - 1], axis=1)


def last_allowed(allowed: Bools, lengths: Ints) -> Ints:
    """Return the place of each journey's last touch that is allowed; of its last touch where none is, -1 where it is empty."""
    last = lengths - 1
    filled = np.flatnonzero(lengths)
    if len(filled):
        place = np.where(allowed, runs(lengths * 0, lengths), -1)
        found = np.maximum.reduceat(place, (np.cumsum(lengths) - lengths)[filled])
        last[filled] = np.where(found < 0, last[filled], found)
    return last


def positions(places: Ints, lengths: Ints) -> Ints:
    """Return which milestones each touch holds, as its place in POSITIONS."""
    starts = np.cumsum(lengths) - lengths
    held = np.zeros(int(lengths.sum()), dtype=np.int64)
    for bit in range(len(MILESTONES)):
        holds = places[:, bit] >= 0
        held[(starts + places[:, bit])[holds]] |= 1 << bit
    return held
