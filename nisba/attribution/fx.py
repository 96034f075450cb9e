"""Exchange rates: direct, inverse or through the pivot, at most `RATE_DAYS` old, as exact fractions (semantics: "Money")."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import Any

from nisba.attribution.columns import days, text
from nisba.attribution.registers import winners
from nisba.config import Config, Reporting
from nisba.money import minor_digits

__all__ = ["RATE_DAYS", "Rates", "convert", "half_even"]

RATE_DAYS = 7
"""A quote serves its own date and so many days after it: the only place of this number."""

_Quotes = dict[tuple[str, str], tuple[list[int], list[str]]]


class Rates:
    """Rates into the reporting currency, or another one, by currency and date."""

    def __init__(self, fx: Any, config: Config) -> None:
        """Read the fx facts, a table of `ledger_schema("fx")`; policy `fixed` reads the configuration alone."""
        self._reporting: Reporting = config.reporting
        self._quotes: _Quotes = {} if config.reporting.fx_policy == "fixed" else _winning_quotes(fx)
        self._found: dict[tuple[str, str, int], Fraction | None] = {}

    def rate(self, currency: str, day: int, target: str | None = None) -> Fraction | None:
        """Return how many units of `target`, the reporting currency by default, one unit of `currency` is on a day (since 1970-01-01)."""
        target = target or self._reporting.currency
        if currency == target:
            return Fraction(1)
        if (currency, target, day) not in self._found:
            self._found[currency, target, day] = self._look_up(currency, target, day)
        return self._found[currency, target, day]

    def minor_rate(self, currency: str, day: int, target: str | None = None) -> Fraction | None:
        """Return the rate from minor units of `currency` to minor units of `target`, the reporting currency by default."""
        rate = self.rate(currency, day, target)
        digits = minor_digits(target or self._reporting.currency) - minor_digits(currency)
        return None if rate is None else rate * Fraction(10) ** digits

    def _look_up(self, currency: str, target: str, day: int) -> Fraction | None:
        pivot = self._reporting.fx_pivot
        straight = self._leg(currency, target, day)
        if straight is not None:
            return straight
        to_target, to_currency = self._leg(pivot, target, day), self._leg(pivot, currency, day)
        return None if to_target is None or to_currency is None else to_target / to_currency

    def _leg(self, base: str, quote: str, day: int) -> Fraction | None:
        """Return base → quote: the direct quote if there is one, else one over the inverse."""
        if base == quote:
            return Fraction(1)
        direct = self._quote(base, quote, day)
        if direct is not None:
            return direct
        inverse = self._quote(quote, base, day)
        return None if inverse is None else 1 / inverse

    def _quote(self, base: str, quote: str, day: int) -> Fraction | None:
        """Return the latest quote at most `RATE_DAYS` back."""
        if self._reporting.fx_policy == "fixed":
            fixed = self._reporting.fixed_rates.get(f"{base}/{quote}")
            return None if fixed is None else Fraction(fixed)
        days, rates = self._quotes.get((base, quote), ([], []))
        place = bisect_right(days, day) - 1
        return Fraction(rates[place]) if place >= 0 and days[place] >= day - RATE_DAYS else None


def _winning_quotes(fx: Any) -> _Quotes:
    """Return (dates ascending, rates) per (base, quote)."""
    latest = winners("fx", fx)
    quotes: _Quotes = {}
    for base, quote, day, rate in zip(
        *(text(latest[name]).to_pylist() for name in ("base", "quote")),
        days(latest["date"]).tolist(),
        text(latest["rate"]).to_pylist(),
        strict=True,
    ):
        dates, rates = quotes.setdefault((base, quote), ([], []))
        dates.append(day)
        rates.append(rate)
    return quotes


def half_even(numerator: int, denominator: int) -> int:
    """Divide integers, rounding half to even; the denominator is above zero.

    >>> half_even(5, 2), half_even(7, 2), half_even(-5, 2)
    (2, 4, -2)
    """
    quotient, remainder = divmod(numerator, denominator)
    doubled = 2 * remainder
    return quotient + (doubled > denominator or (doubled == denominator and quotient % 2 == 1))


def convert(amount_minor: int, minor_rate: Fraction) -> int:
    """Convert minor units, rounding half to even."""
    return half_even(amount_minor * minor_rate.numerator, minor_rate.denominator)
