"""Trying again, through tenacity: what passes by itself is waited for, up to a deadline; what does not is raised as it is.

`retry_until` is for one question: the last error is raised, or the last answer returned, when its time is over. `Backoff` is for work
without an end, whose every success begins the time anew. `Deadline` is the time itself, for a loop that has other things to do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_not_result, sleep_using_event, wait_exponential, wait_fixed

from nisba.errors import BrokerError, LeaseTaken, OffsetConflict

__all__ = ["PASSING", "Backoff", "Deadline", "retry_until"]

PASSING = (BrokerError, LeaseTaken, OffsetConflict)
"""Errors after which the same work is tried again: a broker that restarts, a lease that another process holds, a lost race."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0

Answer = TypeVar("Answer")


@dataclass
class Deadline:
    """A time after which something is given up, unless it is moved on.

    >>> now = iter([0, 9, 10])
    >>> deadline = Deadline(10, clock=lambda: next(now))
    >>> deadline.has_passed, deadline.has_passed
    (False, True)
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    at: float = field(init=False)

    def __post_init__(self) -> None:
        self.move_on()

    def move_on(self) -> None:
        """Begin the time anew."""
        self.at = self.clock() + self.seconds

    @property
    def has_passed(self) -> bool:
        return self.clock() >= self.at


def retry_until(
    deadline: Deadline,
    question: Callable[[], Answer],
    *,
    on: Callable[[BaseException], bool] = lambda _: False,
    is_answer: Callable[[Answer], bool] = lambda _: True,
    pause: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask until there is an answer: again after the errors that `on` accepts, and while `is_answer` says no.

    Once the deadline has passed the last error is raised, or the last answer returned, whatever it is. Every other error is raised at
    once. `pause` is in seconds.

    >>> answers = iter([1, 2, 3])
    >>> retry_until(Deadline(60), lambda: next(answers), is_answer=lambda number: number > 2)
    3
    """
    retrying = Retrying(
        retry=retry_if_exception(on) | retry_if_not_result(is_answer),
        stop=lambda _: deadline.has_passed,
        wait=wait_fixed(pause),
        sleep=sleep,
        retry_error_callback=_outcome,
    )
    return retrying(question)


def _outcome(state: RetryCallState) -> object:
    """Return what the last try returned, or raise what it raised."""
    assert state.outcome is not None
    return state.outcome.result()


@dataclass
class Backoff:
    """Runs work again and again until it succeeds, with pauses that double from 0.25 to 5 s; a success begins anew.

    Given up, with the error, when there was no success for `seconds`. A broker that never answered is misspelt rather than restarting:
    before the first success that error is final. A lost race is run again at once. `stop` ends the wait, and the trying.
    """

    seconds: float
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    has_succeeded: bool = False
    failures: int = 0
    """In a row, since the latest success."""
    deadline: Deadline | None = None

    def succeed(self) -> None:
        """Forget the failures so far; long work says so itself, for each of its steps."""
        self.has_succeeded, self.failures, self.deadline = True, 0, None

    def run(self, work: Callable[[], Answer]) -> Answer | None:
        """Run work until it succeeds, and return its result; None when told to stop before that. Raises the error that is final."""
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, PASSING)),
            after=self._count,
            wait=self._pause,
            stop=self._is_final,
            sleep=sleep_using_event(self.stop),
            reraise=True,
        )
        return retrying(self._unless_stopped, work)

    def _unless_stopped(self, work: Callable[[], Answer]) -> Answer | None:
        if self.stop.is_set():
            return None
        result = work()
        self.succeed()
        return result

    def _count(self, state: RetryCallState) -> None:
        """Number the failure from the latest success on, which may lie inside of the work that failed."""
        self.failures += 1
        self.deadline = self.deadline or Deadline(self.seconds, self.clock)
        state.attempt_number = self.failures

    def _pause(self, state: RetryCallState) -> float:
        return 0.0 if isinstance(_error(state), OffsetConflict) else _DOUBLING(state)

    def _is_final(self, state: RetryCallState) -> bool:
        assert self.deadline is not None
        return (isinstance(_error(state), BrokerError) and not self.has_succeeded) or self.deadline.has_passed


_DOUBLING = wait_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
