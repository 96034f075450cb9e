"""Which rate serves a day: direct, inverse, pivot, their ages, and rounding."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.fx import RATE_DAYS, Rates, convert, half_even
from nisba.config import Config, Reporting
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows

DAY = dt.date(2026, 3, 10)
DAY_NUMBER = (DAY - dt.date(1970, 1, 1)).days


def quote(base: str, quote_: str, rate: str, days_back: int = 0, **more: Any) -> dict[str, Any]:
    return {"base": base, "quote": quote_, "rate": rate, "date": DAY - dt.timedelta(days=days_back), **more}


def rate(currency: str, *quotes: dict[str, Any], target: str = "USD", pivot: str = "EUR") -> Fraction | None:
    config = Config(reporting=Reporting(currency=target, fx_pivot=pivot))
    return Rates(fact_rows("fx", *quotes), config).rate(currency, DAY_NUMBER)


def test_the_reporting_currency_needs_no_rate() -> None:
    assert rate("USD", quote("USD", "USD", "2")) == 1


def test_a_direct_quote_goes_before_a_newer_inverse_one() -> None:
    assert rate("EUR", quote("EUR", "USD", "1.1", RATE_DAYS), quote("USD", "EUR", "0.5")) == Fraction(11, 10)
    assert rate("EUR", quote("USD", "EUR", "0.8")) == Fraction(5, 4)


@pytest.mark.parametrize(("days_back", "found"), [(0, True), (RATE_DAYS, True), (RATE_DAYS + 1, False), (-1, False)])
def test_a_quote_serves_its_day_and_seven_more(days_back: int, found: bool) -> None:
    assert rate("EUR", quote("EUR", "USD", "1.1", days_back)) == (Fraction(11, 10) if found else None)


def test_the_latest_day_counts_and_of_one_day_the_winner() -> None:
    day = [quote("EUR", "USD", "3", 1), quote("EUR", "USD", "4", 1, occurred_at=NOON + STEP), quote("EUR", "USD", "9", 2)]
    assert rate("EUR", *day) == 4
    assert rate("EUR", *reversed(day)) == 4


def test_through_the_pivot_each_leg_either_way() -> None:
    """P→R over P→C: 1 EUR = 1.2 USD = 150 JPY, so a yen is 0.008 dollars."""
    assert rate("JPY", quote("EUR", "USD", "1.2"), quote("EUR", "JPY", "150")) == Fraction(12, 1500)
    assert rate("JPY", quote("USD", "EUR", "0.8"), quote("JPY", "EUR", "0.01")) == Fraction(5, 400)
    assert rate("JPY", quote("EUR", "USD", "1.2")) is None
    assert rate("JPY", quote("EUR", "JPY", "150")) is None
    assert rate("JPY", quote("EUR", "USD", "1.2"), quote("EUR", "JPY", "150"), quote("JPY", "USD", "7")) == 7


def test_where_the_pivot_is_one_of_the_two_there_is_no_detour() -> None:
    assert rate("EUR", quote("EUR", "USD", "1.2"), pivot="EUR") == Fraction(6, 5)
    assert rate("EUR", quote("EUR", "JPY", "150"), pivot="EUR") is None
    assert rate("JPY", quote("USD", "JPY", "150"), pivot="USD") == Fraction(1, 150)


def test_fixed_rates_know_no_dates_and_no_facts() -> None:
    reporting = Reporting(currency="USD", fx_policy="fixed", fixed_rates={"EUR/USD": Decimal("1.10"), "USD/KWD": Decimal("0.5")})
    rates = Rates(fact_rows("fx", quote("EUR", "USD", "9")), Config(reporting=reporting))
    assert [rates.rate("EUR", 0), rates.rate("KWD", 99_999), rates.rate("JPY", 0)] == [Fraction(11, 10), Fraction(2), None]


@pytest.mark.parametrize(
    ("currency", "target", "minor"),
    [("JPY", "USD", Fraction(1)), ("KWD", "USD", Fraction(1, 1000)), ("USD", "JPY", Fraction(1, 10_000)), ("USD", "KWD", Fraction(1, 10))],
)
def test_between_minor_units(currency: str, target: str, minor: Fraction) -> None:
    """At 1 to 100: a yen is a cent, a fil a thousandth of one."""
    config = Config(reporting=Reporting(currency=target))
    found = Rates(fact_rows("fx", quote(currency, target, "0.01")), config).minor_rate(currency, DAY_NUMBER)
    assert found == minor


def test_a_rate_keeps_all_its_digits() -> None:
    digits = "0." + "123456789" * 5
    assert rate("EUR", quote("EUR", "USD", digits)) == Fraction(digits)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**6))
def test_half_even_is_that_of_decimals(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    below = exact.numerator // exact.denominator
    expected = below if exact - below < Fraction(1, 2) else below + 1
    if exact - below == Fraction(1, 2):
        expected = below + below % 2
    assert half_even(numerator, denominator) == expected


@given(st.integers(-(10**12), 10**12), st.sampled_from(["0.5", "1.25", "0.0066667", "150.123456789"]))
def test_convert_rounds_as_an_accountant_does(amount: int, by: str) -> None:
    assert convert(amount, Fraction(by)) == int((amount * Decimal(by)).quantize(Decimal(1), ROUND_HALF_EVEN))
