"""Numbers, money, percentages and times as people read them; what is missing is a dash."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from nisba.money import minor_digits
from reports.words import Figure

__all__ = [
    "NOTHING",
    "at",
    "count",
    "day",
    "deals",
    "estimate",
    "first_upper",
    "money",
    "one_line",
    "percent",
    "points",
    "ratio",
    "second",
    "target",
    "with_name",
]

NOTHING = Figure("–")


def money(amount: Decimal | None, currency: str) -> Figure:
    """Return an amount with thousands separated and the decimals of its currency, half to even.

    >>> money(Decimal("1234567.5"), "USD"), money(Decimal("-1200"), "JPY"), money(Decimal("0.125"), "KWD"), money(None, "USD")
    ('1,234,567.50', '-1,200', '0.125', '–')
    """
    if amount is None:
        return NOTHING
    digits = minor_digits(currency)
    return Figure(f"{round(Decimal(amount), digits) + 0:,.{digits}f}")  # + 0: no minus before a zero


def estimate(amount: Decimal, currency: str) -> Figure:
    """Return an amount that nobody will count: whole units from a thousand on.

    >>> estimate(Decimal("623828.17"), "USD"), estimate(Decimal("999.5"), "USD"), estimate(Decimal("-1000.5"), "KWD")
    ('623,828', '999.50', '-1,000')
    """
    return Figure(f"{round(amount):,}") if abs(amount) >= 1000 else money(amount, currency)


def count(number: int | None) -> Figure:
    """Return a number of things.

    >>> count(12798), count(None)
    ('12,798', '–')
    """
    return NOTHING if number is None else Figure(f"{number:,}")


def deals(number: Decimal | float | None) -> Figure:
    """Return a number of deals, which credits divide: four digits that count, all digits before the point.

    >>> deals(Decimal("8.7371")), deals(6), deals(12345.6)
    ('8.737', '6', '12,346')
    """
    if number is None:
        return NOTHING
    return Figure(f"{float(number):,.0f}" if abs(float(number)) >= 1000 else f"{float(number):,.4g}")


def percent(part: Decimal | float | None, digits: int = 1) -> Figure:
    """Return a percentage.

    >>> percent(48.25), percent(0.1637, 2), percent(None)
    ('48.2 %', '0.16 %', '–')
    """
    return NOTHING if part is None else Figure(f"{part:,.{digits}f} %")


def target(part: Decimal | float) -> Figure:
    """Return a percentage that somebody set, with the digits that he gave.

    >>> target(30.0), target(32.5)
    ('30 %', '32.5 %')
    """
    return Figure(f"{part:g} %")


def ratio(number: Decimal | float | None, digits: int = 0) -> Figure:
    """Return a ratio such as ROI as a signed percentage.

    >>> ratio(10.75), ratio(-0.97), ratio(None)
    ('+1,075 %', '-97 %', '–')
    """
    return NOTHING if number is None else Figure(f"{100 * float(number):+,.{digits}f} %")


def points(gap: Decimal | float) -> Figure:
    """Return the size of a difference between percentages, without its sign.

    >>> points(-18.24)
    '18.2'
    """
    return Figure(f"{abs(gap):.1f}")


def at(instant: dt.datetime | None, time_zone: str) -> Figure:
    """Return an instant to the minute, as clocks in the time zone show it.

    >>> at(dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.timezone.utc), "Asia/Riyadh")
    '2026-03-02 02:30'
    """
    return NOTHING if instant is None else Figure(f"{instant.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}")


def day(date: dt.date | None) -> Figure:
    """Return a day of the books."""
    return NOTHING if date is None else Figure(date.isoformat())


def second(instant: dt.datetime | None) -> Figure:
    """Return an instant of the machinery to the second, in UTC."""
    return NOTHING if instant is None else Figure(f"{instant.astimezone(dt.timezone.utc):%Y-%m-%d %H:%M:%S}")


def one_line(text: str) -> str:
    """Return a name that somebody else chose as one line without control characters, so that it draws nothing of its own.

    >>> one_line("Spring\\nexpo"), one_line("\\x1b[2Jgone")
    ('Spring expo', '\ufffd[2Jgone')
    """
    return "".join(_visible(character) for character in text)


def with_name(key: str, name: str | None) -> str:
    """Return an id with the name that persons know it by, where it has one: never the name alone.

    >>> with_name("D-17", "Harbour upgrade"), with_name("D-18", None)
    ('D-17 (Harbour upgrade)', 'D-18')
    """
    return key if name is None else f"{key} ({name})"


def first_upper(text: str) -> str:
    """Begin a text with a capital and leave the rest: `realized ROI` → `Realized ROI`."""
    return text[:1].upper() + text[1:]


def _visible(character: str) -> str:
    if character in "\t\n\r\v\f\x85\u2028\u2029":
        return " "
    return "\ufffd" if ord(character) < 32 or 127 <= ord(character) < 160 else character
