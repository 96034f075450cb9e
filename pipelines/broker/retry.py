"""How long to bear with what mends itself: a broker that restarts, a lease that another process holds, a lost race."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nisba.errors import BrokerError, LeaseTaken, NisbaError, OffsetConflict

__all__ = ["PASSING", "Patience"]

PASSING = (BrokerError, LeaseTaken, OffsetConflict)
"""Errors after which the same work is tried again."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0


@dataclass
class Patience:
    """Decides after each failure whether to try again, and how long to wait before; reset by every success.

    A broker that never answered is misspelt rather than restarting: before the first success that error is raised at once.

    >>> now = iter([0, 1, 700])
    >>> patience = Patience(600, clock=lambda: next(now))
    >>> patience.succeed()
    >>> [patience.pause_after(BrokerError("away")) for _ in range(2)]
    [0.25, 0.5]
    >>> patience.pause_after(BrokerError("still away"))
    Traceback (most recent call last):
    nisba.errors.BrokerError: still away
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    has_succeeded: bool = False
    failing_since: float | None = None
    pause: float = FIRST_PAUSE

    def succeed(self) -> None:
        """Forget the failures so far."""
        self.has_succeeded, self.failing_since, self.pause = True, None, FIRST_PAUSE

    def pause_after(self, error: NisbaError) -> float:
        """Return the seconds to wait before the next try; raises the error when there was no success for too long."""
        now = self.clock()
        self.failing_since = now if self.failing_since is None else self.failing_since
        is_hopeless = isinstance(error, BrokerError) and not self.has_succeeded
        if is_hopeless or now - self.failing_since >= self.seconds:
            raise error
        pause, self.pause = self.pause, min(2 * self.pause, LONGEST_PAUSE)
        return 0.0 if isinstance(error, OffsetConflict) else pause
