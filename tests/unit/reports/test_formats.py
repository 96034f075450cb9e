"""Numbers, money and times for people: thousands, signs, half to even, what is missing, and names that somebody else chose."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.errors import AmountError
from reports.render import formats

D = Decimal


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (None, "USD", "–"),
        (D("0"), "USD", "0.00"),
        (D("0.005"), "USD", "0.00"),  # half to even
        (D("0.015"), "USD", "0.02"),
        (D("0.025"), "USD", "0.02"),
        (D("-0.004"), "USD", "0.00"),  # no minus before a zero
        (D("-0.015"), "EUR", "-0.02"),
        (D("999.999"), "USD", "1,000.00"),
        (D("1234567.890"), "USD", "1,234,567.89"),
        (D("-1234567.89"), "USD", "-1,234,567.89"),
        (D("99999999999999999999.99"), "USD", "99,999,999,999,999,999,999.99"),
        (D("27000.000"), "JPY", "27,000"),
        (D("1.5"), "JPY", "2"),
        (D("0.125"), "KWD", "0.125"),
        (D("12"), "KWD", "12.000"),
        (7, "USD", "7.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: Decimal | None, currency: str, text: str) -> None:
    assert formats.money(amount, currency) == text


def test_money_of_no_currency_is_an_error() -> None:
    with pytest.raises(AmountError, match="unknown currency 'XXY'"):
        formats.money(D(1), "XXY")


@given(st.decimals(-(10**12), 10**12, places=2))
def test_money_can_be_read_back(amount: Decimal) -> None:
    assert D(formats.money(amount, "USD").replace(",", "")) == amount


@pytest.mark.parametrize(("number", "text"), [(None, "–"), (0, "0"), (999, "999"), (1000, "1,000"), (27637000, "27,637,000"), (-5, "-5")])
def test_count(number: int | None, text: str) -> None:
    assert formats.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (6, "6"),
        (D("8.737112345678"), "8.737"),
        (D("0.333333333333"), "0.3333"),
        (D("999.96"), "1,000"),
        (D("1234.5"), "1,234"),
        (D("1235.5"), "1,236"),
        (12345, "12,345"),  # and not 1.234e+04
        (1_234_567, "1,234,567"),
        (D("-1.5"), "-1.5"),
    ],
)
def test_deals_have_four_digits_that_count(number: Decimal | int | None, text: str) -> None:
    assert formats.deals(number) == text


@given(st.integers(0, 10**9))
def test_whole_deals_from_a_thousand_are_exact(number: int) -> None:
    assert int(formats.deals(number + 1000).replace(",", "")) == number + 1000


@pytest.mark.parametrize(
    ("part", "digits", "text"),
    [
        (None, 1, "–"),
        (0.0, 1, "0.0 %"),
        (100.0, 1, "100.0 %"),
        (48.25, 1, "48.2 %"),  # half to even
        (48.75, 1, "48.8 %"),
        (D("48.25"), 1, "48.2 %"),
        (0.1637, 2, "0.16 %"),
        (1234.5, 1, "1,234.5 %"),
        (-3.25, 1, "-3.2 %"),
        (2.5, 0, "2 %"),
    ],
)
def test_percent(part: Decimal | float | None, digits: int, text: str) -> None:
    assert formats.percent(part, digits) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "–"), (0.0, "+0 %"), (-1.0, "-100 %"), (10.75, "+1,075 %"), (-0.97, "-97 %"), (D("42.54"), "+4,254 %"), (1234.0, "+123,400 %")],
)
def test_ratio_is_a_signed_percentage(number: Decimal | float | None, text: str) -> None:
    assert formats.ratio(number) == text


@pytest.mark.parametrize(("part", "text"), [(30.0, "30 %"), (32.5, "32.5 %"), (0.25, "0.25 %"), (100, "100 %")])
def test_target_keeps_the_digits_that_were_set(part: float, text: str) -> None:
    assert formats.target(part) == text


@pytest.mark.parametrize(("gap", "text"), [(18.24, "18.2"), (-18.24, "18.2"), (0.0, "0.0"), (-0.04, "0.0")])
def test_points_have_no_sign(gap: float, text: str) -> None:
    assert formats.points(gap) == text


UTC_NIGHT = dt.datetime(2026, 3, 28, 23, 30, 59, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("time_zone", "text"),
    [
        ("UTC", "2026-03-28 23:30"),
        ("Asia/Riyadh", "2026-03-29 02:30"),
        ("America/New_York", "2026-03-28 19:30"),
        ("Europe/Berlin", "2026-03-29 00:30"),
        ("Asia/Kathmandu", "2026-03-29 05:15"),
    ],
)
def test_instants_are_those_of_clocks_in_the_zone(time_zone: str, text: str) -> None:
    assert formats.at(UTC_NIGHT, time_zone) == text


def test_summer_begins_at_an_instant_not_at_a_day() -> None:
    before, after = (dt.datetime(2026, 3, 29, hour, 0, tzinfo=dt.timezone.utc) for hour in (0, 1))
    assert (formats.at(before, "Europe/Berlin"), formats.at(after, "Europe/Berlin")) == ("2026-03-29 01:00", "2026-03-29 03:00")


def test_machinery_is_in_utc_to_the_second() -> None:
    elsewhere = UTC_NIGHT.astimezone(dt.timezone(dt.timedelta(hours=3)))
    assert (formats.second(elsewhere), formats.second(None), formats.at(None, "UTC")) == ("2026-03-28 23:30:59", "–", "–")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Spring & more", "Spring & more"),
        ("نسبة", "نسبة"),
        ("two\nlines\tand a tab\r", "two lines and a tab "),
        ("line\u2028separator\x85", "line separator "),
        ("\x1b[2Jgone\x07", "\ufffd[2Jgone\ufffd"),
        ("\x9b31mred\x7f\x00", "\ufffd31mred\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_names_are_one_line_that_draws_nothing(name: str, shown: str) -> None:
    assert formats.one_line(name) == shown


@given(st.text())
def test_one_line_is_one_line_as_long_as_before(text: str) -> None:
    line = formats.one_line(text)
    assert (len(line), len(line.splitlines()) <= 1) == (len(text), True)
    assert formats.one_line(line) == line
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line)


@pytest.mark.parametrize(("text", "begun"), [("realized ROI", "Realized ROI"), ("ROI", "ROI"), ("", ""), ("#", "#"), ("نسبة", "نسبة")])
def test_first_upper_leaves_the_rest(text: str, begun: str) -> None:
    assert formats.first_upper(text) == begun
