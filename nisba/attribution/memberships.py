"""To which accounts persons belong, and when (semantics: "Identity").

Membership has no time and works backwards, but for links that say since when and until when: people change employers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nisba.attribution.columns import Bools, Ints, distinct, instants, runs

__all__ = ["FOR_EVER", "Memberships", "Relation", "Windows"]

FOR_EVER = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
"""The window of a link that has none."""


@dataclass(frozen=True)
class Relation:
    """Keys to several values each: those of key k are `values[offsets[k]:offsets[k + 1]]`, ascending."""

    offsets: Ints
    values: Ints

    @classmethod
    def of(cls, keys: Ints, values: Ints, size: int) -> Relation:
        """Collect distinct (key, value) pairs; keys are below `size`."""
        width = int(values.max()) + 1 if len(values) else 1
        pairs = distinct(keys * width + values)
        return cls(np.searchsorted(pairs, np.arange(size + 1) * width), pairs % width)

    def counts(self, keys: Ints) -> Ints:
        """Return how many values each key has; none for key -1."""
        known = np.maximum(keys, 0)
        if len(self.offsets) == 1:
            return np.zeros(len(keys), dtype=np.int64)
        return np.where(keys < 0, 0, self.offsets[known + 1] - self.offsets[known])

    def expand(self, keys: Ints) -> tuple[Ints, Ints]:
        """Return (row, value) for every value of every row's key; a key of -1 has none."""
        counts = self.counts(keys)
        starts = self.offsets[np.maximum(keys, 0)]
        return np.repeat(np.arange(len(keys)), counts), self.values[runs(starts, counts)]


@dataclass(frozen=True)
class Windows:
    """When links held: at instants *t* with since ≤ *t* < until, one row per link."""

    since_us: Ints
    until_us: Ints

    @classmethod
    def of(cls, links: Any) -> Windows:
        """Read the windows of `identity` facts; a link without a beginning held ever, one without an end holds for ever."""
        (since, begins), (until, ends) = instants(links["since"]), instants(links["until"])
        return cls(np.where(begins, since, FOR_EVER[0]), np.where(ends, until, FOR_EVER[1]))

    @property
    def bounded(self) -> Bools:
        """Whether each has a beginning or an end."""
        bounded: Bools = (self.since_us != FOR_EVER[0]) | (self.until_us != FOR_EVER[1])
        return bounded

    def take(self, rows: Ints) -> Windows:
        """Return the windows of some rows."""
        return Windows(self.since_us[rows], self.until_us[rows])


@dataclass(frozen=True)
class Memberships:
    """Persons to accounts: all that there ever were, and when those held that have a time."""

    ever: Relation
    pairs: Ints
    """The memberships with a time, as person × `width` + account, ascending; once for each of their windows."""
    windows: Windows
    width: int

    @classmethod
    def of(cls, person: Ints, account: Ints, is_said: Bools, windows: Windows, size: int, width: int) -> Memberships:
        """Collect memberships from links of persons (below `size`) with accounts (below `width`), both canonical, one row per link.

        A link that an event says, without a window, holds always. Where events only say windows, the membership holds in these alone:
        links that nobody says, implied by other facts, count for no more.
        """
        key = person * width + account
        bounded = windows.bounded
        always = key[is_said & ~bounded]
        timed = np.flatnonzero(bounded & ~np.isin(key, always))
        timed = timed[np.argsort(key[timed], kind="stable")]
        return cls(Relation.of(person, account, size), key[timed], windows.take(timed), width)

    def at(self, person: Ints, at_us: Ints | None) -> tuple[Ints, Ints]:
        """Return (row, account) for each account of each row's person (-1: nobody) at its instant; at None all that there ever were."""
        row, account = self.ever.expand(person)
        if at_us is None or not len(self.pairs):
            return row, account
        key = person[row] * self.width + account
        low, high = (np.searchsorted(self.pairs, key, side=side) for side in ("left", "right"))
        holds = low == high
        link, window = np.repeat(np.arange(len(key)), high - low), runs(low, high - low)
        instant = at_us[row[link]]
        inside = (self.windows.since_us[window] <= instant) & (instant < self.windows.until_us[window])
        holds[link[inside]] = True
        return row[holds], account[holds]
