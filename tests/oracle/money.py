"""Money (semantics §6): minor units, the exact split, exchange rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from nisba.config import Config
from nisba.money import minor_digits
from tests.oracle.settled import Settled

__all__ = ["LARGEST", "Rates", "converted", "half_even", "in_units", "is_out_of_range", "minor", "rates", "split"]

LARGEST = 10**15
"""An amount of this size, in whole units, is no amount of the books."""

Rates = Callable[[str, str, dt.date], "Fraction | None"]
"""From a currency, into a currency, on a date."""
Leg = Callable[[str, str, dt.date], "Fraction | None"]


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units.

    >>> minor(Decimal("12.5"), "USD")
    1250
    """
    exact = Fraction(amount) * 10 ** minor_digits(currency)
    assert exact.denominator == 1
    return int(exact.numerator)


def in_units(amount_minor: int, currency: str) -> Decimal:
    """Return minor units as a decimal of whole units, with the three decimals of the tables."""
    return Decimal(amount_minor).scaleb(-minor_digits(currency)).quantize(Decimal("0.001"))


def half_even(number: Fraction) -> int:
    """Round to the nearest whole number, halves to the even one (which is what `round` does to a Fraction)."""
    return round(number)


def split(total: int, weights: list[Fraction]) -> list[int]:
    """Share out a total of minor units by largest remainder; ties go to the earlier weight.

    >>> split(10000, [Fraction(1, 3)] * 3)
    [3334, 3333, 3333]
    """
    quotas = [total * weight for weight in weights]
    shares = [quota.numerator // quota.denominator for quota in quotas]
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - quotas[i], i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def converted(amount_minor: int, currency: str, into: str, rate: Fraction) -> int | None:
    """Return minor units of another currency, rounded half to even; None where they are out of range.

    >>> converted(5, "USD", "EUR", Fraction(1, 2)), converted(10**17, "USD", "EUR", Fraction(1))
    (2, None)
    """
    result = half_even(Fraction(amount_minor, 10 ** minor_digits(currency)) * rate * 10 ** minor_digits(into))
    return None if is_out_of_range(result, into) else result


def is_out_of_range(amount_minor: int, currency: str) -> bool:
    """Tell whether an amount is of 10^15 whole units or more, in absolute value."""
    return abs(amount_minor) >= LARGEST * int(10 ** minor_digits(currency))


def rates(settled: Settled, config: Config) -> Rates:
    """Return the function (from, into, date) → rate, None where it is missing."""
    pivot = config.reporting.fx_pivot
    direct = _fixed(config) if config.reporting.fx_policy == "fixed" else _dated(settled)

    def leg(base: str, quote: str, day: dt.date) -> Fraction | None:
        """One of base in quote: 1, the direct quote, or the inverse of the opposite one."""
        if base == quote:
            return Fraction(1)
        quoted = direct(base, quote, day)
        if quoted is not None:
            return quoted
        opposite = direct(quote, base, day)
        return None if opposite is None else 1 / opposite

    def rate(currency: str, into: str, day: dt.date) -> Fraction | None:
        straight = leg(currency, into, day)
        if straight is not None:
            return straight
        there, here = leg(pivot, into, day), leg(pivot, currency, day)
        return None if there is None or here is None else there / here

    return rate


def _dated(settled: Settled) -> Leg:
    quotes = settled.register("fx", lambda fx: (fx.get("date"), fx.get("base"), fx.get("quote")))

    def direct(base: str, quote: str, day: dt.date) -> Fraction | None:
        """The latest quote of the days D−7 … D."""
        for back in range(8):
            found = quotes.get((day - dt.timedelta(days=back), base, quote))
            if found is not None:
                return Fraction(found.get("rate"))
        return None

    return direct


def _fixed(config: Config) -> Leg:
    table = {tuple(pair.split("/")): Fraction(rate) for pair, rate in config.reporting.fixed_rates.items()}
    return lambda base, quote, day: table.get((base, quote))
