"""The circuit breaker: too many of the latest records, and nothing else, trip it."""

from __future__ import annotations

import pickle
from collections import deque
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.errors import TooManyDeadLetters
from pipelines.circuit_breaker import WINDOW_RECORDS, CircuitBreaker, Outcome, latest_outcome

FIVE = Decimal(5)
BLOCKS = st.lists(st.integers(0, 1_500).flatmap(lambda records: st.builds(Outcome, st.just(records), st.integers(0, records))), max_size=12)


@pytest.mark.parametrize(
    ("offsets", "refused", "expected"),
    [
        (range(0), [], Outcome(0, 0)),
        (range(10), [], Outcome(10, 0)),
        (range(10), range(10), Outcome(10, 10)),
        (range(5_000), [0, 3_999], Outcome(1_000, 0)),
        (range(5_000), [4_000], Outcome(1_000, 1)),
        ([7, 9, 20], [9, 20], Outcome(3, 2)),  # offsets have gaps where transactions end
    ],
)
def test_only_the_latest_records_of_a_block_are_judged(offsets: list[int], refused: list[int], expected: Outcome) -> None:
    assert latest_outcome(offsets, refused) == expected


@pytest.mark.parametrize(
    ("blocks", "trips"),
    [
        ([Outcome(1_000, 50)], False),
        ([Outcome(1_000, 51)], True),
        ([Outcome(10, 10)], False),
        ([Outcome(50, 50)], False),
        ([Outcome(51, 51)], True),
        ([Outcome(500, 26), Outcome(500, 25)], True),
        ([Outcome(500, 26), Outcome(1_000, 25)], False),  # the old ones have left the window
        ([Outcome(0, 0)], False),
        ([], False),
    ],
)
def test_more_than_the_limit_of_the_window_trips(blocks: list[Outcome], trips: bool) -> None:
    if trips:
        with pytest.raises(TooManyDeadLetters):
            CircuitBreaker(FIVE).after(blocks)
    else:
        CircuitBreaker(FIVE).after(blocks)


def test_window_reaches_over_calls() -> None:
    breaker = CircuitBreaker(FIVE)
    breaker.window = breaker.after([Outcome(500, 30)])
    with pytest.raises(TooManyDeadLetters) as raised:
        breaker.after([Outcome(400, 21)])
    assert (raised.value.refused, raised.value.records, raised.value.limit_pct) == (51, 900, 5.0)


def test_judging_leaves_no_trace() -> None:
    breaker = CircuitBreaker(FIVE, deque([Outcome(500, 30)]))
    breaker.after([Outcome(500, 0)])
    with pytest.raises(TooManyDeadLetters):
        breaker.after([Outcome(500, 500)])
    assert breaker.window == deque([Outcome(500, 30)])


@given(BLOCKS)
def test_a_limit_of_everything_never_trips_and_keeps_a_window(blocks: list[Outcome]) -> None:
    window = CircuitBreaker(Decimal(100)).after(blocks)
    assert list(window) == blocks[len(blocks) - len(window) :]
    records = sum(block.records for block in window)
    assert records >= min(WINDOW_RECORDS, sum(block.records for block in blocks))
    assert not window or records - window[0].records < WINDOW_RECORDS


@given(BLOCKS, st.integers(0, 100))
def test_one_call_judges_as_many_calls_do(blocks: list[Outcome], limit: int) -> None:
    def judged(steps: list[list[Outcome]]) -> deque[Outcome] | str:
        breaker = CircuitBreaker(Decimal(limit))
        try:
            for step in steps:
                breaker.window = breaker.after(step)
        except TooManyDeadLetters as error:
            return str(error)
        return breaker.window

    assert judged([blocks]) == judged([[block] for block in blocks])


@given(BLOCKS)
def test_a_limit_of_nothing_trips_at_the_first_dead_letter(blocks: list[Outcome]) -> None:
    has_refused = any(block.refused for block in blocks)
    try:
        CircuitBreaker(Decimal(0)).after(blocks)
    except TooManyDeadLetters:
        assert has_refused
    else:
        assert not has_refused


def test_error_survives_the_way_between_processes() -> None:
    error = TooManyDeadLetters(51, 900, 5.0, "crm.deal/3/7 (malformed: not JSON)")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(error).startswith("51 of the latest 900 records are dead letters, more than 5 %, such as crm.deal/3/7 (malformed")
