"""A circuit breaker over dead letters: input that is mostly refused stops the reading, instead of draining the topic."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from nisba.errors import TooManyDeadLetters

__all__ = ["WINDOW_RECORDS", "CircuitBreaker", "Outcome", "latest_outcome"]

WINDOW_RECORDS = 1_000
"""The limit is judged over this many of the latest records."""


class Outcome(NamedTuple):
    """What became of some records that follow each other."""

    records: int
    refused: int


def latest_outcome(offsets: Sequence[int], refused: Iterable[int]) -> Outcome:
    """Return what became of the latest records of a block: its offsets, and those that were refused.

    >>> latest_outcome(range(5000), [3999, 4000, 4999])
    Outcome(records=1000, refused=2)
    """
    latest = offsets[-WINDOW_RECORDS:]
    return Outcome(len(latest), sum(offset >= latest[0] for offset in refused) if latest else 0)


@dataclass
class CircuitBreaker:
    """Trips when too many of the latest records are dead letters; its window reaches over blocks and cycles.

    Blocks are dropped from the old end while at least `WINDOW_RECORDS` records remain. With fewer records than that, those to come count
    as good: three bad ones of the first ten stop nobody.
    """

    limit_pct: Decimal
    window: deque[Outcome] = field(default_factory=deque)

    def after(self, blocks: Iterable[Outcome]) -> deque[Outcome]:
        """Return the window as it will be when these blocks are landed; blocks that are not landed leave no trace.

        Raises TooManyDeadLetters at the first block that is too much.

        >>> CircuitBreaker(Decimal(5), deque([Outcome(900, 0), Outcome(600, 0)])).after([Outcome(500, 40)])
        deque([Outcome(records=600, refused=0), Outcome(records=500, refused=40)])
        >>> CircuitBreaker(Decimal(5)).after([Outcome(30, 30), Outcome(30, 21)])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        nisba.errors.TooManyDeadLetters: 51 of the latest 60 records are dead letters, ...
        """
        window = deque(self.window)
        for block in blocks:
            window.append(block)
            while sum(each.records for each in window) - window[0].records >= WINDOW_RECORDS:
                window.popleft()
            self._trip_if_needed(window)
        return window

    def _trip_if_needed(self, window: Iterable[Outcome]) -> None:
        records, refused = (sum(column) for column in zip(*window, strict=True))
        if refused * 100 > self.limit_pct * max(records, WINDOW_RECORDS):
            raise TooManyDeadLetters(refused, records, float(self.limit_pct))
