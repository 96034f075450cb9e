"""Amounts in millionths of a unit: whole units and the millionths beside them, because 64 bits do not hold large ones.

A spend below 10^12 fits as it came; converted, or added up over a campaign, it may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from nisba.attribution.apportionment import SAFE_TOTAL, SAFE_WEIGHT, muldiv
from nisba.attribution.columns import Bools, Ints
from nisba.attribution.fx import half_even
from nisba.money import MAX_AMOUNT, minor_digits

__all__ = ["converted", "minor_units", "reaches_limit"]

MILLION = 10**6
_CERTAIN = 2.0**62
"""Sums below this, as a float guesses them, do not wrap."""


def converted(amounts: Ints, rates: Sequence[Fraction], code: Ints) -> tuple[Ints, Ints]:
    """Return (units, millionths) of amounts, zero or more in millionths, times `rates[code]`, rounded half to even.

    What reaches MAX_AMOUNT is MAX_AMOUNT: it is in no figure, whatever it is.

    >>> units, millionths = converted(np.array([5, 10**17]), [Fraction(1, 10), Fraction(10**9)], np.array([0, 1]))
    >>> units.tolist(), millionths.tolist()
    ([0, 1000000000000000], [0, 0])
    """
    over, under = (_shortened([part(rate) for rate in rates])[code] for part in (_numerator, _denominator))
    quick = (over > 0) & (under > 0) & (amounts.astype(np.float64) * over < SAFE_TOTAL * under.astype(np.float64))
    result = np.zeros(len(amounts), dtype=np.int64)
    result[quick] = _half_even(amounts[quick], over[quick], under[quick])
    units, millionths = result // MILLION, result % MILLION
    for place in np.flatnonzero(~quick).tolist():
        rate = rates[code[place]]
        exact = half_even(int(amounts[place]) * rate.numerator, rate.denominator)
        units[place], millionths[place] = divmod(min(exact, MAX_AMOUNT * MILLION), MILLION)
    return units, millionths


def _numerator(rate: Fraction) -> int:
    return rate.numerator


def _denominator(rate: Fraction) -> int:
    return rate.denominator


def _shortened(numbers: list[int]) -> Ints:
    """Return numbers above zero as far as `muldiv` is exact for them; zero for the others."""
    return np.array([number if number < SAFE_WEIGHT else 0 for number in numbers], dtype=np.int64)


def _half_even(amounts: Ints, over: Ints, under: Ints) -> Ints:
    quotient, remainder = muldiv(amounts, over, under)
    twice = 2 * remainder
    return np.asarray(quotient + ((twice > under) | ((twice == under) & (quotient % 2 == 1))), dtype=np.int64)


def reaches_limit(units: Ints, millionths: Ints, group: Ints, groups: int) -> Bools:
    """Tell for each of so many groups whether its amounts, all zero or more, add up to MAX_AMOUNT or more."""
    about = np.bincount(group, units, groups)
    sums = np.zeros((2, groups), dtype=np.int64)
    np.add.at(sums[0], group, units)
    np.add.at(sums[1], group, millionths)
    return np.asarray((about > _CERTAIN) | (sums[0] + sums[1] // MILLION >= MAX_AMOUNT), dtype=bool)


def minor_units(units: Ints, millionths: Ints, currency: str) -> Ints:
    """Round amounts below MAX_AMOUNT, millionths of any size and sign beside the units, half to even to minor units.

    >>> minor_units(np.array([0, 0, -1]), np.array([5_000, 15_000, 994_999]), "USD").tolist()
    [0, 2, -1]
    """
    per_unit = 10 ** minor_digits(currency)
    size = MILLION // per_unit
    whole, inside = units + millionths // MILLION, millionths % MILLION
    minor = whole * per_unit + inside // size
    twice = 2 * (inside % size)
    return np.asarray(minor + ((twice > size) | ((twice == size) & (minor % 2 == 1))), dtype=np.int64)
