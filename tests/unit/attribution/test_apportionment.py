"""Largest remainder: every unit is given, none twice, ties to the earlier."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.apportionment import SAFE_TOTAL, SAFE_WEIGHT, award, muldiv, split, split_evenly, split_rows

WEIGHTS = st.lists(st.integers(0, 5) | st.integers(0, 10**30), min_size=1, max_size=7).filter(sum)


def by_definition(total: int, weights: list[int]) -> list[int]:
    """The floor of every exact quota, then one unit each to the largest remainders, ties to the earlier."""
    quotas = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [quota.numerator // quota.denominator for quota in quotas]
    by_remainder = sorted(range(len(weights)), key=lambda place: (shares[place] - quotas[place], place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (0, [1, 2], [0, 0]),
        (1, [1, 1], [1, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (100, [0, 1], [0, 100]),
        (1, [0, 0, 7], [0, 0, 1]),
        (7, [1, 2, 4], [1, 2, 4]),
        (5, [1, 2, 4], [1, 1, 3]),
        (10, [5], [10]),
        (10**40, [1, 1, 1], [(10**40) // 3 + 1, (10**40) // 3, (10**40) // 3]),
    ],
)
def test_split(total: int, weights: list[int], expected: list[int]) -> None:
    assert split(total, weights) == expected


@given(st.integers(0, 10**6), WEIGHTS)
def test_split_is_its_definition(total: int, weights: list[int]) -> None:
    assert split(total, weights) == by_definition(total, weights)


@given(st.integers(0, 10**4), WEIGHTS)
def test_nobody_is_a_unit_away_from_their_quota(total: int, weights: list[int]) -> None:
    shares = split(total, weights)
    assert sum(shares) == total
    assert all(abs(share - Fraction(total * weight, sum(weights))) < 1 for share, weight in zip(shares, weights, strict=True))


@given(st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(1, 40)), max_size=6))
def test_evenly_is_split_with_weights_of_one(groups: list[tuple[int, int]]) -> None:
    totals, lengths = (np.array([group[side] for group in groups], dtype=np.int64) for side in (0, 1))
    expected = [(share if total >= 0 else -share) for total, length in groups for share in split(abs(total), [1] * length)]
    assert split_evenly(totals, lengths).tolist() == expected


GROUP = st.tuples(st.integers(0, 10**12), st.lists(st.integers(0, 9) | st.integers(0, 1 << 50), min_size=1, max_size=6).filter(sum))


@given(st.lists(GROUP, max_size=8))
def test_rows_are_split_as_one_by_one(groups: list[tuple[int, list[int]]]) -> None:
    totals = np.array([total for total, _ in groups], dtype=np.int64)
    weights = np.array([weight for _, part in groups for weight in part], dtype=np.int64)
    sums = np.array([sum(part) for _, part in groups], dtype=np.int64)
    lengths = np.array([len(part) for _, part in groups], dtype=np.int64)
    expected = [share for total, part in groups for share in split(total, part)]
    assert split_rows(totals, weights, sums, lengths).tolist() == expected


@given(st.integers(0, SAFE_TOTAL - 1), st.integers(1, SAFE_WEIGHT - 1), st.data())
def test_muldiv_is_exact_up_to_its_limits(total: int, divisor: int, data: st.DataObject) -> None:
    weight = data.draw(st.integers(0, divisor))
    quotient, remainder = muldiv(np.array([total]), np.array([weight]), np.array([divisor]))
    assert (int(quotient[0]), int(remainder[0])) == divmod(total * weight, divisor)


def test_muldiv_at_the_very_limits() -> None:
    total, weight = SAFE_TOTAL - 1, SAFE_WEIGHT - 1
    for left, right, divisor in ((total, weight, weight), (total, weight - 1, weight), (total, 1, weight), (0, weight, weight)):
        quotient, remainder = muldiv(np.array([left]), np.array([right]), np.array([divisor]))
        assert (int(quotient[0]), int(remainder[0])) == divmod(left * right, divisor)


REMAINDERS = st.lists(st.integers(0, 3), min_size=1, max_size=6).flatmap(
    lambda part: st.tuples(st.just(part), st.integers(0, len(part) - 1))
)


@given(st.lists(REMAINDERS, min_size=1, max_size=8))
def test_units_go_to_the_largest_remainders(groups: list[tuple[list[int], int]]) -> None:
    """Groups of all lengths side by side, some of which miss nothing."""
    lengths = np.array([len(part) for part, _ in groups], dtype=np.int64)
    missing = np.array([count for _, count in groups], dtype=np.int64)
    remainders = np.array([each for part, _ in groups for each in part], dtype=np.int64)
    expected = []
    for part, count in groups:
        chosen = sorted(range(len(part)), key=lambda place: (-part[place], place))[:count]
        expected += [place in chosen for place in range(len(part))]
    assert award(remainders, missing, np.cumsum(lengths) - lengths, lengths).tolist() == expected
