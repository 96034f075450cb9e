"""Money (semantics §6), by hand: minor units, largest remainders, halves to even, and every way to a rate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.config import Config, Reporting
from tests.oracle.money import Rates, converted, half_even, in_units, is_out_of_range, minor, rates, split
from tests.strategies import Event
from tests.unit.oracle.facts import quote, settled

DAY = dt.date(2026, 3, 31)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("12.5", "USD", 1250), ("12", "JPY", 12), ("0.001", "KWD", 1), ("-0.01", "EUR", -1), ("0", "USD", 0)],
)
def test_minor_units_there_and_back(amount: str, currency: str, expected: int) -> None:
    assert minor(Decimal(amount), currency) == expected
    assert in_units(expected, currency) == Decimal(amount)
    assert in_units(expected, currency).as_tuple().exponent == -3


def test_what_is_no_whole_number_of_minor_units_is_no_amount() -> None:
    with pytest.raises(AssertionError):
        minor(Decimal("0.5"), "JPY")


@pytest.mark.parametrize(
    ("number", "expected"),
    [("1/2", 0), ("3/2", 2), ("5/2", 2), ("-1/2", 0), ("-3/2", -2), ("1/3", 0), ("2/3", 1), ("-2/3", -1), ("7", 7)],
)
def test_halves_go_to_the_even_one(number: str, expected: int) -> None:
    assert half_even(Fraction(number)) == expected


THIRD, HALF = Fraction(1, 3), Fraction(1, 2)


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (10_000, [THIRD] * 3, [3_334, 3_333, 3_333]),
        (1_000, [THIRD] * 3, [334, 333, 333]),
        (2, [THIRD] * 3, [1, 1, 0]),
        (1, [HALF, HALF], [1, 0]),
        (0, [HALF, HALF], [0, 0]),
        (10, [Fraction(1, 10), Fraction(9, 10)], [1, 9]),
        (1, [Fraction(1, 10), Fraction(9, 10)], [0, 1]),
        (5, [Fraction(1, 4), Fraction(3, 4)], [1, 4]),
        (101, [Fraction(0), Fraction(1)], [0, 101]),
        (7, [Fraction(1, 6), Fraction(2, 6), Fraction(3, 6)], [1, 2, 4]),
    ],
)
def test_largest_remainders(total: int, weights: list[Fraction], expected: list[int]) -> None:
    assert split(total, weights) == expected


@given(st.integers(0, 10**15), st.lists(st.integers(0, 1_000), min_size=1, max_size=12).filter(any))
def test_a_split_loses_nothing_and_is_within_a_unit_of_its_quota(total: int, parts: list[int]) -> None:
    weights = [Fraction(part, sum(parts)) for part in parts]
    shares = split(total, weights)
    assert sum(shares) == total
    assert all(0 <= share - total * weight < 1 or 0 <= total * weight - share < 1 for share, weight in zip(shares, weights, strict=True))


def rates_of(*quotes: Event, pivot: str = "EUR") -> Rates:
    return rates(settled(*quotes), Config(reporting=Reporting(fx_pivot=pivot)))


def to_dollars(*quotes: Event, pivot: str = "EUR") -> Callable[[str, dt.date], Fraction | None]:
    rate = rates_of(*quotes, pivot=pivot)
    return lambda currency, day: rate(currency, "USD", day)


@pytest.mark.parametrize(
    ("quotes", "currency", "expected"),
    [
        ([], "USD", 1),
        ([("GBP", "USD", "1.25")], "GBP", "5/4"),
        ([("USD", "GBP", "0.80")], "GBP", "5/4"),
        ([("GBP", "USD", "1.25"), ("USD", "GBP", "0.5")], "GBP", "5/4"),
        ([("EUR", "USD", "1.10"), ("EUR", "GBP", "0.88")], "GBP", "5/4"),
        ([("USD", "EUR", "0.5"), ("GBP", "EUR", "1.25")], "GBP", "5/2"),
        ([("EUR", "USD", "1.10"), ("GBP", "EUR", "1.25")], "GBP", "11/8"),
        ([("EUR", "USD", "1.10")], "EUR", "11/10"),
        ([("EUR", "USD", "1.10")], "GBP", None),
        ([("EUR", "GBP", "0.88")], "GBP", None),
        ([], "GBP", None),
    ],
    ids=[
        "the reporting currency itself",
        "direct",
        "inverse",
        "direct before inverse",
        "through the pivot",
        "both legs inverse",
        "one leg inverse",
        "the pivot itself",
        "half a way there",
        "the other half",
        "no way",
    ],
)
def test_ways_to_a_rate(quotes: list[tuple[str, str, str]], currency: str, expected: str | int | None) -> None:
    rate = to_dollars(*(quote(DAY.isoformat(), *each) for each in quotes))
    assert rate(currency, DAY) == (None if expected is None else Fraction(expected))


def test_the_pivot_is_a_setting() -> None:
    legs = [quote(DAY.isoformat(), "CHF", "USD", "1.20"), quote(DAY.isoformat(), "CHF", "GBP", "0.90")]
    assert to_dollars(*legs, pivot="CHF")("GBP", DAY) == Fraction(4, 3)
    assert to_dollars(*legs)("GBP", DAY) is None


@pytest.mark.parametrize(("days", "expected"), [(0, "11/10"), (7, "11/10"), (8, None), (-1, None)])
def test_a_quote_lasts_for_seven_days(days: int, expected: str | None) -> None:
    rate = to_dollars(quote((DAY - dt.timedelta(days=days)).isoformat(), "EUR", "USD", "1.10"))
    assert rate("EUR", DAY) == (None if expected is None else Fraction(expected))


def test_the_latest_quote_counts_and_an_older_direct_one_beats_a_newer_inverse_one() -> None:
    older, newer = quote("2026-03-25", "EUR", "USD", "1.10"), quote("2026-03-30", "EUR", "USD", "1.20")
    assert to_dollars(older, newer)("EUR", DAY) == Fraction(6, 5)
    assert to_dollars(older, quote("2026-03-31", "USD", "EUR", "0.5"))("EUR", DAY) == Fraction(11, 10)


def test_a_corrected_quote_replaces_the_first() -> None:
    first, second = quote("2026-03-31", "EUR", "USD", "1.10"), quote("2026-03-31", "EUR", "USD", "1.30") | {"id": "z", "source": "ecb"}
    assert to_dollars(first, second)("EUR", DAY) == Fraction(13, 10)


def test_fixed_rates_have_no_dates() -> None:
    reporting = Reporting(currency="USD", fx_policy="fixed", fixed_rates={"EUR/USD": Decimal("1.5"), "EUR/JPY": Decimal(150)})
    rate = rates(settled(quote("2026-03-31", "EUR", "USD", "1.10")), Config(reporting=reporting))
    assert rate("EUR", "USD", dt.date(1999, 1, 1)) == Fraction(3, 2)
    assert rate("JPY", "USD", DAY) == Fraction(1, 100)
    assert rate("GBP", "USD", DAY) is None


def test_a_rate_leads_into_any_currency() -> None:
    """What a refund in another currency needs: through the pivot, into that of the deal."""
    rate = rates_of(quote("2026-03-31", "EUR", "USD", "1.10"), quote("2026-03-31", "EUR", "GBP", "0.88"))
    assert rate("USD", "GBP", DAY) == Fraction(4, 5)
    assert rate("GBP", "EUR", DAY) == Fraction(25, 22)
    assert rate("JPY", "GBP", DAY) is None


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [(10_000, "0.5", 5_000), (1, "0.5", 0), (3, "0.5", 2), (-3, "0.5", -2), (10**14, "1000", None), (-(10**14), "1000", None)],
)
def test_amounts_are_converted_half_to_even(amount: int, rate: str, expected: int | None) -> None:
    assert converted(amount, "USD", "EUR", Fraction(rate)) == expected


def test_the_largest_amount_is_below_ten_to_the_fifteen() -> None:
    assert converted(10**14, "USD", "EUR", Fraction("999.999999999999")) == 99_999_999_999_999_900
    assert [is_out_of_range(10**17 + n, "USD") for n in (-1, 0)] == [False, True]
    assert [is_out_of_range(-(10**15) + n, "JPY") for n in (1, 0)] == [False, True]


def test_conversion_knows_the_decimals_of_both_currencies() -> None:
    assert converted(10_050, "USD", "JPY", Fraction(150)) == 15_075
    assert converted(15_075, "JPY", "USD", Fraction(1, 150)) == 10_050
    assert converted(1_000, "KWD", "USD", Fraction(13, 4)) == 325
