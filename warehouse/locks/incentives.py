"""What an incentive plan is worth, and who gets which part of it: exact arithmetic, and nothing else.

Amounts are decimals of whole units; results are whole minor units of a currency with `digits` decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from nisba.agreements import Incentive

__all__ = ["UNASSIGNED", "factor_of", "parts", "share_pct", "worth"]

UNASSIGNED = "(unassigned)"
"""Who is paid where nobody is known to own the campaign or the deal."""


def share_pct(of_team: Decimal, whole: Decimal) -> Fraction:
    """Return the team's part of what was booked, in percent: 0 where nothing was, 100 at most.

    >>> share_pct(Decimal("30.00"), Decimal("120.00")), share_pct(Decimal(0), Decimal(0))
    (Fraction(25, 1), Fraction(0, 1))
    """
    if whole <= 0 or of_team <= 0:
        return Fraction(0)
    return min(Fraction(100), 100 * Fraction(of_team) / Fraction(whole))


def factor_of(plan: Incentive, share: Fraction) -> Decimal:
    """Return the factor of the highest tier that a share in percent reaches; 0 below all of them."""
    reached = [tier for tier in plan.tiers if Fraction(tier.from_pct) <= share]
    return max(reached, key=lambda tier: tier.from_pct).factor if reached else Decimal(0)


def worth(plan: Incentive, factor: Decimal, credit: Decimal, digits: int) -> Decimal:
    """Return what a plan pays for a credit: the factor's part of the pool, at most the cap, rounded half to even, never below zero."""
    exact = Fraction(plan.pool_pct) / 100 * Fraction(factor) * Fraction(credit)
    limited = exact if plan.cap is None else min(Fraction(plan.cap), exact)
    return Decimal(max(0, round(limited * 10**digits))).scaleb(-digits)


def parts(amount: Decimal, weights: Mapping[str, Decimal], digits: int) -> dict[str, Decimal]:
    """Split an amount by weights, which may be negative: exact parts, floored to minor units, the missing units to the largest remainders.

    Ties go to the smaller name. Where the weights add up to zero nobody gets anything.

    >>> parts(Decimal("1.00"), {"b": Decimal(1), "a": Decimal(1), "c": Decimal(1)}, 2)
    {'a': Decimal('0.34'), 'b': Decimal('0.33'), 'c': Decimal('0.33')}
    """
    whole = sum(map(Fraction, weights.values()), Fraction(0))
    if not whole:
        return {}
    units = int(amount.scaleb(digits))
    exact = {name: units * Fraction(weights[name]) / whole for name in sorted(weights)}
    given = {name: part.numerator // part.denominator for name, part in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (given[name] - exact[name], name))
    for name in by_remainder[: units - sum(given.values())]:
        given[name] += 1
    return {name: Decimal(units).scaleb(-digits) for name, units in given.items()}
