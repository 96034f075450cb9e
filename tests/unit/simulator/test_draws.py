"""Draws: bounds always, means on fixed seeds, and streams that do not depend on each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.draws import Draws

MANY = 40_000
SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(0, 50), st.integers(0, 50))
def test_a_stream_goes_on_where_it_was(seed: int, first: int, second: int) -> None:
    parts = Draws(seed, "p")
    together = np.concatenate([parts.raw(first), parts.raw(second)])
    assert together.tolist() == Draws(seed, "p").raw(first + second).tolist()


def test_every_purpose_and_every_seed_has_a_stream_of_its_own() -> None:
    streams = {tuple(Draws(seed, purpose).raw(4).tolist()) for seed in range(20) for purpose in ("accounts", "people", "deals")}
    assert len(streams) == 60


@given(SEEDS, st.lists(st.integers(1, 10**12), max_size=30))
def test_below_has_a_bound_for_each(seed: int, bounds: list[int]) -> None:
    drawn = Draws(seed, "b").below(len(bounds), np.asarray(bounds, dtype=np.int64))
    assert all(0 <= value < bound for value, bound in zip(drawn.tolist(), bounds, strict=True))


def test_below_reaches_every_value_equally_often() -> None:
    counts = np.bincount(Draws(2, "b").below(MANY, 8), minlength=8)
    assert counts.tolist() == pytest.approx([MANY / 8] * 8, rel=0.05)


@pytest.mark.parametrize(("per_10k", "share"), [(0, 0.0), (10_000, 1.0), (2_500, 0.25), (150, 0.015)])
def test_chances_are_parts_of_ten_thousand(per_10k: int, share: float) -> None:
    drawn = Draws(3, "c").chance(MANY, per_10k)
    assert drawn.dtype == np.bool_
    assert drawn.mean() == pytest.approx(share, abs=0.005)
    if share in (0.0, 1.0):
        assert drawn.all() == drawn.any() == bool(share)


def test_chances_may_differ_from_row_to_row() -> None:
    drawn = Draws(3, "c").chance(MANY, np.where(np.arange(MANY) % 2, 10_000, 0))
    assert drawn.tolist() == (np.arange(MANY) % 2 == 1).tolist()


@given(SEEDS, st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any))
def test_what_weighs_nothing_is_never_picked(seed: int, weights: list[int]) -> None:
    drawn = Draws(seed, "w").pick(50, weights)
    assert all(weights[position] > 0 for position in drawn.tolist())


def test_picks_are_in_proportion() -> None:
    counts = np.bincount(Draws(4, "w").pick(MANY, (6, 0, 3, 1)), minlength=4)
    assert counts.tolist() == pytest.approx([MANY * 0.6, 0, MANY * 0.3, MANY * 0.1], rel=0.05)


@given(SEEDS, st.lists(st.integers(-1_000, 1_000), min_size=2, max_size=7).map(sorted))
def test_quantiles_stay_between_the_least_and_the_greatest(seed: int, table: list[int]) -> None:
    drawn = Draws(seed, "q").quantile(60, table)
    assert (drawn >= table[0]).all()
    assert (drawn <= table[-1]).all()


def test_each_quarter_of_a_table_has_a_quarter_of_the_draws() -> None:
    drawn = Draws(6, "q").quantile(MANY, (0, 10, 100, 1_000, 10_000))
    counts, _ = np.histogram(drawn, bins=[0, 10, 100, 1_000, 10_000])
    assert counts.tolist() == pytest.approx([MANY / 4] * 4, rel=0.05)


def test_between_two_quantiles_all_is_even() -> None:
    drawn = Draws(6, "q").quantile(MANY, (0, 1_000))
    assert drawn.mean() == pytest.approx(500, rel=0.01)
    assert np.bincount(drawn // 100).tolist() == pytest.approx([MANY / 10] * 10, rel=0.1)


def test_a_flat_table_is_a_constant() -> None:
    assert set(Draws(6, "q").quantile(100, (7, 7, 7)).tolist()) == {7}


@given(SEEDS, st.lists(st.integers(0, 90_000), max_size=30))
def test_counts_are_between_none_and_twice_the_mean(seed: int, means: list[int]) -> None:
    drawn = Draws(seed, "n").count(np.asarray(means, dtype=np.int64))
    for count, mean in zip(drawn.tolist(), means, strict=True):
        assert 0 <= count <= 2 * mean / 10_000 + 1
        assert mean or not count


@pytest.mark.parametrize("mean", [0, 400, 10_000, 34_567])
def test_counts_have_their_mean(mean: int) -> None:
    assert Draws(8, "n").count(np.full(MANY, mean)).mean() == pytest.approx(mean / 10_000, rel=0.05)


def test_nothing_can_be_drawn() -> None:
    draws = Draws(1, "none")
    for drawn in (draws.raw(0), draws.below(0, 5), draws.chance(0, 5), draws.pick(0, (1, 2)), draws.quantile(0, (1, 2))):
        assert drawn.tolist() == []
