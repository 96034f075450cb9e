"""Split money by exact weights, largest remainder first (semantics: "Money").

Every touch gets the floor of its exact quota; the missing units go one each to the largest exact remainders, ties to
the earlier touch. Totals are minor units, weights are integers over their sum. Nothing here is a float, except the
first guess of a quotient, which `muldiv` then makes exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nisba.attribution.columns import Bools, Ints

__all__ = ["SAFE_TOTAL", "SAFE_WEIGHT", "award", "muldiv", "split", "split_evenly", "split_rows"]

SAFE_WEIGHT = 1 << 57
"""Sums of weights below this, with totals below SAFE_TOTAL, keep `muldiv` inside 64 bits."""

SAFE_TOTAL = 1 << 54


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split one total, zero or more, in proportion to integer weights of any size.

    >>> split(10000, [1, 1, 1])
    [3334, 3333, 3333]
    """
    whole = sum(weights)
    parts = [divmod(total * weight, whole) for weight in weights]
    missing = total - sum(quotient for quotient, _ in parts)
    first = sorted(range(len(parts)), key=lambda place: -parts[place][1])[:missing]
    shares = [quotient for quotient, _ in parts]
    for place in first:
        shares[place] += 1
    return shares


def split_evenly(totals: Ints, lengths: Ints) -> Ints:
    """Split each total, of any sign, over so many equal parts; return the parts one total after the other.

    A negative total is split as the negative of its absolute value.

    >>> split_evenly(np.array([1000, -5]), np.array([3, 2])).tolist()
    [334, 333, 333, -3, -2]
    """
    sizes = np.abs(totals)
    quotient, missing = sizes // lengths, sizes % lengths
    sign = np.where(totals < 0, -1, 1)
    values = np.stack([sign * (quotient + 1), sign * quotient], axis=1).ravel()
    return np.repeat(values, np.stack([missing, lengths - missing], axis=1).ravel())


def muldiv(left: Ints, right: Ints, divisor: Ints) -> tuple[Ints, Ints]:
    """Return exact (quotient, remainder) of left × right ÷ divisor, all zero or more, divisor above zero.

    The product may exceed 64 bits. A float guess of the quotient is off by e, so that the true remainder of the guess,
    at most (e + 1) × divisor, fits 64 bits although the product does not: wrapped arithmetic finds it exactly. With a
    divisor below SAFE_WEIGHT and a quotient below 2^54, e is at most 16 and the remainder is below 2^62.
    """
    guess = (left.astype(np.float64) * right.astype(np.float64) / divisor.astype(np.float64)).astype(np.int64)
    with np.errstate(over="ignore"):
        rest = left * right - guess * divisor
    step = rest // divisor
    return guess + step, rest - step * divisor


def award(remainders: Ints, missing: Ints, starts: Ints, lengths: Ints) -> Bools:
    """Mark the rows that get one of the missing units of their group: the largest remainders, ties to the earlier row.

    Rows of group g are `starts[g]:starts[g] + lengths[g]`; `missing[g]` is below `lengths[g]`.
    """
    awarded = np.zeros(len(remainders), dtype=bool)
    needy = np.flatnonzero(missing > 0)
    needy = needy[np.argsort(lengths[needy], kind="stable")]
    sizes, first = np.unique(lengths[needy], return_index=True)
    for size, groups in zip(sizes.tolist(), np.split(needy, first[1:]), strict=False):
        rows = starts[groups][:, None] + np.arange(size)
        awarded[rows] = _award_equal_lengths(remainders[rows], missing[groups])
    return awarded


def _award_equal_lengths(remainders: Ints, missing: Ints) -> Bools:
    """Mark the largest `missing[g]` of each row of a matrix, ties to the left."""
    size = remainders.shape[1]
    threshold = np.take_along_axis(np.sort(remainders, axis=1), (size - missing)[:, None], axis=1)
    above, equal = remainders > threshold, remainders == threshold
    left_over = missing - above.sum(axis=1)
    crowded = np.flatnonzero(equal.sum(axis=1) > left_over)
    if len(crowded):
        equal[crowded] &= np.cumsum(equal[crowded], axis=1) <= left_over[crowded][:, None]
    awarded: Bools = above | equal
    return awarded


def split_rows(totals: Ints, weights: Ints, sums: Ints, lengths: Ints) -> Ints:
    """Split each group's total in proportion to its rows' weights; groups lie one after the other.

    `weights` has one row per touch, `sums[g]` is the sum of group g's weights and below SAFE_WEIGHT.
    """
    starts = np.cumsum(lengths) - lengths
    quotient, remainder = muldiv(np.repeat(totals, lengths), weights, np.repeat(sums, lengths))
    missing = totals - np.add.reduceat(quotient, starts) if len(starts) else totals
    return quotient + award(remainder, missing, starts, lengths)
