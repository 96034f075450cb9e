"""Trying again: what is tried again, how long, with which pauses; on a clock of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.errors import BrokerError, CheckFailed, LeaseTaken, NisbaError, OffsetConflict, SourceError
from pipelines.broker.retry import Backoff, Deadline, retry_until


class Clock:
    """A clock that only moves when somebody sleeps, or works."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Stop(threading.Event):
    """An event whose waiting moves the clock; set after so many pauses, where a number is given."""

    def __init__(self, clock: Clock, after: int | None = None) -> None:
        super().__init__()
        self.clock, self.after = clock, after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.clock.sleep(timeout)
        if self.after is not None and len(self.clock.pauses) >= self.after:
            self.set()
        return self.is_set()


def in_turn(outcomes: Iterable[Any], clock: Clock | None = None, seconds: float = 0.0) -> Callable[[], Any]:
    """Return work that takes `seconds` and returns, or raises, one outcome after the other."""
    left = iter(outcomes)

    def work() -> Any:
        if clock is not None:
            clock.now += seconds
        outcome = next(left)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return work


def is_broker_error(error: BaseException) -> bool:
    return isinstance(error, BrokerError)


CONFLICT = OffsetConflict("crm.deal", 1, 5, 9)


def test_deadline_passes_at_its_second_and_can_be_moved_on() -> None:
    clock = Clock()
    deadline = Deadline(10, clock)
    clock.now += 9.9
    assert not deadline.has_passed
    deadline.move_on()
    clock.now += 9.9
    assert not deadline.has_passed
    clock.now += 0.1
    assert deadline.has_passed


def test_first_answer_is_returned_without_a_pause() -> None:
    clock = Clock()
    assert retry_until(Deadline(10, clock), in_turn(["yes"]), on=is_broker_error, pause=1, sleep=clock.sleep) == "yes"
    assert clock.pauses == []


def test_errors_that_pass_are_asked_again_with_the_pause() -> None:
    clock = Clock()
    answers = in_turn([BrokerError("a"), BrokerError("b"), "yes"])
    assert retry_until(Deadline(10, clock), answers, on=is_broker_error, pause=0.5, sleep=clock.sleep) == "yes"
    assert clock.pauses == [0.5, 0.5]


def test_the_last_error_is_raised_when_the_deadline_has_passed() -> None:
    clock = Clock()
    answers = in_turn([BrokerError(str(number)) for number in range(9)])
    with pytest.raises(BrokerError, match="3"):
        retry_until(Deadline(3, clock), answers, on=is_broker_error, pause=1, sleep=clock.sleep)
    assert clock.pauses == [1, 1, 1]


def test_other_errors_are_raised_at_once() -> None:
    clock = Clock()
    with pytest.raises(CheckFailed, match="no"):
        retry_until(Deadline(10, clock), in_turn([CheckFailed("no"), "yes"]), on=is_broker_error, pause=1, sleep=clock.sleep)
    assert clock.pauses == []


def test_without_errors_to_accept_none_is_tried_again() -> None:
    with pytest.raises(BrokerError):
        retry_until(Deadline(10), in_turn([BrokerError("away"), 1]))


def test_time_over_returns_the_last_answer_whatever_it_is() -> None:
    clock = Clock()
    found = retry_until(Deadline(2, clock), in_turn(range(9)), is_answer=lambda number: number > 7, pause=1, sleep=clock.sleep)
    assert found == 2
    assert clock.pauses == [1, 1]


def test_a_deadline_of_no_time_asks_once() -> None:
    clock = Clock()
    asked: list[int] = []
    assert retry_until(Deadline(0, clock), lambda: asked.append(1), is_answer=lambda _: False, sleep=clock.sleep) is None
    assert asked == [1]


def test_question_that_blocks_needs_no_pause_to_reach_the_deadline() -> None:
    clock = Clock()
    asked: list[float] = []

    def ask() -> None:
        asked.append(clock.now)
        clock.now += 0.2

    retry_until(Deadline(1, clock), ask, is_answer=lambda _: False, sleep=clock.sleep)
    assert len(asked) == 5


@given(st.integers(0, 20), st.integers(1, 10), st.integers(1, 4))
def test_never_asked_again_after_the_deadline(failures: int, seconds: int, pause: int) -> None:
    clock = Clock()
    asked: list[float] = []

    def ask() -> str:
        asked.append(clock.now - 1_000)
        if len(asked) <= failures:
            raise BrokerError("away")
        return "yes"

    try:
        assert retry_until(Deadline(seconds, clock), ask, on=is_broker_error, pause=pause, sleep=clock.sleep) == "yes"
        assert len(asked) == failures + 1
    except BrokerError:
        assert asked[-1] >= seconds
    assert all(moment < seconds + pause for moment in asked)
    assert all(moment < seconds for moment in asked[:-1])


def backoff(clock: Clock, seconds: float = 600, stop_after: int | None = None) -> Backoff:
    return Backoff(seconds, Stop(clock, stop_after), clock)


def test_pauses_double_from_a_quarter_to_five_seconds() -> None:
    clock = Clock()
    assert backoff(clock).run(in_turn([LeaseTaken("held")] * 7 + ["done"])) == "done"
    assert clock.pauses == [0.25, 0.5, 1, 2, 4, 5, 5]


def test_a_success_begins_anew() -> None:
    clock = Clock()
    runs = backoff(clock)
    runs.run(in_turn([LeaseTaken("held")] * 3 + [1]))
    runs.run(in_turn([LeaseTaken("held")] * 2 + [1]))
    assert clock.pauses == [0.25, 0.5, 1, 0.25, 0.5]


def test_broker_that_never_answered_is_raised_at_once() -> None:
    clock = Clock()
    with pytest.raises(BrokerError, match="away"):
        backoff(clock).run(in_turn([BrokerError("away"), "never asked"]))
    assert clock.pauses == []


def test_broker_that_never_answered_is_final_after_a_lease_was_waited_for_too() -> None:
    clock = Clock()
    with pytest.raises(BrokerError, match="away"):
        backoff(clock).run(in_turn([LeaseTaken("held"), BrokerError("away"), "never asked"]))
    assert clock.pauses == [0.25]


def test_broker_that_answered_once_is_waited_for() -> None:
    clock = Clock()
    runs = backoff(clock)
    runs.run(in_turn(["hello"]))
    assert runs.run(in_turn([BrokerError("restarts")] * 4 + ["back"])) == "back"
    assert clock.pauses == [0.25, 0.5, 1, 2]


def test_lost_race_is_run_again_without_a_pause_but_is_a_failure() -> None:
    clock = Clock()
    assert backoff(clock).run(in_turn([CONFLICT, CONFLICT, LeaseTaken("held"), 1])) == 1
    assert clock.pauses == [0, 0, 1]


def test_given_up_with_the_error_after_the_time_without_success() -> None:
    clock = Clock()
    runs = backoff(clock, seconds=12)
    with pytest.raises(LeaseTaken, match="the 6th"):
        runs.run(in_turn([LeaseTaken(f"the {number}th") for number in range(20)]))
    assert clock.pauses == [0.25, 0.5, 1, 2, 4, 5]  # 12.75 s: the first try after 12 s is the last


def test_the_time_counts_from_the_first_failure_not_from_the_start_of_the_work() -> None:
    clock = Clock()
    assert backoff(clock, seconds=60).run(in_turn([LeaseTaken("held"), 1], clock, seconds=50)) == 1
    assert clock.pauses == [0.25]


def test_no_time_at_all_raises_the_first_failure() -> None:
    with pytest.raises(LeaseTaken):
        backoff(Clock(), seconds=0).run(in_turn([LeaseTaken("held"), 1]))


def test_a_step_inside_of_the_work_counts_as_a_success() -> None:
    clock = Clock()
    runs = backoff(clock, seconds=10)
    tries = iter(range(40))

    def work() -> str:
        if next(tries) == 39:
            return "done"
        runs.succeed()
        clock.now += 9
        raise BrokerError("restarts")

    assert runs.run(work) == "done"
    assert clock.pauses == [0.25] * 39


@pytest.mark.parametrize("error", [CheckFailed("no"), SourceError("no"), ValueError("no")])
def test_what_does_not_pass_is_raised_at_once(error: Exception) -> None:
    clock = Clock()
    with pytest.raises(type(error)):
        backoff(clock).run(in_turn([error, 1]))
    assert clock.pauses == []


def test_stop_ends_the_wait_and_the_trying() -> None:
    clock = Clock()
    assert backoff(clock, stop_after=2).run(in_turn([LeaseTaken("held"), LeaseTaken("held"), "never tried"])) is None
    assert clock.pauses == [0.25, 0.5]


def test_stop_before_the_work_runs_nothing() -> None:
    runs = Backoff(600)
    runs.stop.set()
    assert runs.run(in_turn([])) is None
    assert not runs.has_succeeded


def test_a_real_stop_is_heard_at_once() -> None:
    runs = Backoff(600)
    runs.run(in_turn([1]))
    runs.failures = 4  # the next pause would be 5 s

    def work() -> None:
        runs.stop.set()
        raise BrokerError("away")

    started = Deadline(2)
    assert runs.run(work) is None
    assert not started.has_passed


@given(st.lists(st.sampled_from(["ok", "lease", "conflict", "broker"]), max_size=40))
def test_pauses_follow_the_failures_since_the_latest_success(outcomes: list[str]) -> None:
    errors: dict[str, NisbaError] = {"lease": LeaseTaken("held"), "conflict": CONFLICT, "broker": BrokerError("away")}
    clock = Clock()
    runs = backoff(clock, seconds=10_000)
    runs.succeed()
    work = in_turn([errors.get(outcome, "ok") for outcome in [*outcomes, "ok"]])
    for _ in range(outcomes.count("ok") + 1):
        assert runs.run(work) == "ok"
    expected, failures = [], 0
    for outcome in outcomes:
        failures = 0 if outcome == "ok" else failures + 1
        if outcome != "ok":
            expected.append(0.0 if outcome == "conflict" else min(0.25 * 2 ** (failures - 1), 5.0))
    assert clock.pauses == expected
