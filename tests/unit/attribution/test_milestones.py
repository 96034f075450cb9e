"""Places of milestones in journeys made by hand; both sides of every bound."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.columns import Bools, Ints
from nisba.attribution.facts import INSTANT
from nisba.attribution.milestones import POSITIONS, last_allowed, lead_creation, milestone_places, positions
from nisba.attribution.shards import Shard


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def bools(*values: bool) -> Bools:
    return np.array(values, dtype=bool)


def places(touched: list[int], opened: int, created: int | None) -> list[int]:
    found = milestone_places(ints(*touched), ints(len(touched)), ints(opened), ints(created or 0), bools(created is not None))
    return [int(place) for place in found[0]]


@pytest.mark.parametrize(
    ("touched", "opened", "created", "expected"),
    [
        ([10, 20, 30], 20, 10, [0, 0, 1, 2]),
        ([10, 20, 30], 19, 9, [0, -1, 0, 2]),  # created before the first touch: LC is dropped
        ([10, 20, 30], 9, 30, [0, 2, -1, 2]),  # opened before the first touch: OC is dropped
        ([10, 20, 30], 25, None, [0, 1, 1, 2]),  # creation unknown: LC is OC's touch
        ([10, 20, 30], 9, None, [0, -1, -1, 2]),
        ([10], 10, 10, [0, 0, 0, 0]),
        ([10, 10, 10], 10, None, [0, 2, 2, 2]),  # the last of those of one instant
        ([], 10, 10, [-1, -1, -1, -1]),
        ([], 10, None, [-1, -1, -1, -1]),
    ],
)
def test_milestones(touched: list[int], opened: int, created: int | None, expected: list[int]) -> None:
    assert places(touched, opened, created) == expected


JOURNEY = st.tuples(st.lists(st.integers(0, 9), max_size=5).map(sorted), st.integers(-1, 10), st.none() | st.integers(-1, 10))


@given(st.lists(JOURNEY, min_size=1, max_size=6))
def test_journeys_do_not_see_each_other(journeys: list[tuple[list[int], int, int | None]]) -> None:
    touched = [time for times, *_ in journeys for time in times]
    lengths, opened = ints(*(len(times) for times, *_ in journeys)), ints(*(opened for _, opened, _ in journeys))
    created = [created for *_, created in journeys]
    found = milestone_places(ints(*touched), lengths, opened, ints(*(c or 0 for c in created)), bools(*(c is not None for c in created)))
    assert found.tolist() == [places(*journey) for journey in journeys]


def test_every_combination_has_its_words() -> None:
    assert (len(set(POSITIONS)), POSITIONS[0], POSITIONS[0b0011], POSITIONS[0b1111]) == (16, "", "FT+LC", "FT+LC+OC+CW")


def test_touches_hold_the_milestones_placed_on_them() -> None:
    held = positions(np.array([[0, 0, 2, 2], [-1, -1, -1, -1], [0, -1, 0, 1]]), ints(3, 0, 2))
    assert [POSITIONS[mask] for mask in held] == ["FT+LC", "", "OC+CW", "FT+OC", "CW"]


@pytest.mark.parametrize(
    ("allowed", "lengths", "expected"),
    [
        ([True, False, True, False], [2, 2], [0, 0]),
        ([False, False, True, True], [2, 0, 2], [1, -1, 1]),
        ([], [0, 0], [-1, -1]),
        ([False], [1], [0]),
        ([True, True, False, False, True], [3, 1, 1], [1, 0, 0]),
    ],
)
def test_the_last_allowed_or_the_last(allowed: list[bool], lengths: list[int], expected: list[int]) -> None:
    assert last_allowed(bools(*allowed), ints(*lengths)).tolist() == expected


def shard(accounts: list[int], own: list[int | None], creation: list[tuple[int, int]]) -> Shard:
    """Return a shard of deals, of which only lead creation is known."""
    deal = {"account": pa.array(accounts, pa.int64()), "lead_created_at": pa.array(own, pa.int64()).cast(INSTANT)}
    created = {"account": pa.array([account for account, _ in creation], pa.int64())}
    created["occurred_at"] = pa.array([at for _, at in creation], pa.int64()).cast(INSTANT)
    nothing = pa.table({})
    return Shard(pa.table(deal), nothing, nothing, pa.table(created), nothing, nothing)


@pytest.mark.parametrize(
    ("own", "created", "window", "expected"),
    [
        (5, [20], (10, 30), 5),  # its own lead needs no window
        (None, [10], (10, 30), 10),
        (None, [30], (10, 30), 30),
        (None, [9], (10, 30), None),
        (None, [31], (10, 30), None),
        (None, [9, 15, 20], (10, 30), 15),  # the earliest inside
        (None, [], (10, 30), None),
        (None, [20], (30, 10), None),  # closed before the lookback begins
    ],
)
def test_lead_creation(own: int | None, created: list[int], window: tuple[int, int], expected: int | None) -> None:
    at_us, known = lead_creation(shard([0], [own], [(0, at) for at in created]), ints(window[0]), ints(window[1]))
    assert ([int(at_us[0]), bool(known[0])]) == ([expected, True] if expected is not None else [0, False])


def test_lead_creation_is_the_accounts_own() -> None:
    made = shard([1, 0, 2, 1], [None] * 4, [(0, 10), (0, 12), (1, 11), (1, 40)])
    at_us, known = lead_creation(made, ints(0, 11, 0, 12), ints(99, 99, 99, 39))
    assert (at_us.tolist(), known.tolist()) == ([11, 12, 0, 0], [True, True, False, False])


def test_no_deals() -> None:
    at_us, known = lead_creation(shard([], [], []), ints(), ints())
    assert (at_us.tolist(), known.tolist()) == ([], [])
    assert milestone_places(ints(), ints(), ints(), ints(), bools()).shape == (0, 4)
    assert last_allowed(bools(), ints()).tolist() == []
