"""Business time (figures §1): when the firm is open by its local clock, walked day by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from nisba.config import Config
from tests.oracle.settled import EPOCH, day_of

__all__ = ["HOUR", "business_time", "due_at", "instant_of", "is_open_on", "open_spans"]

MICROSECOND = dt.timedelta(microseconds=1)
HOUR = 3_600_000_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = dt.timedelta(days=40_000)


def due_at(handed_at: int, hours: Fraction, config: Config) -> int:
    """Return the first instant, in microseconds, at which so many hours of business time have passed."""
    left = hours * HOUR
    if left == 0:
        return handed_at
    for opens, closes in open_spans(handed_at, None, config):
        if left <= closes - opens:
            return opens - (-left.numerator // left.denominator)  # rounded up: instants are whole microseconds
        left -= closes - opens
    raise AssertionError("never due")


def business_time(since: int, until: int, config: Config) -> int:
    """Return the business time between two instants in microseconds; none where the second is earlier."""
    return sum(closes - opens for opens, closes in open_spans(since, until, config))


def open_spans(since: int, until: int | None, config: Config) -> Iterator[tuple[int, int]]:
    """Yield from when until when the firm is open between two instants, in order; None: for ever."""
    hours = config.business_hours
    zone = hours.time_zone or config.reporting.time_zone
    first = day_of(since, ZoneInfo(zone)) - dt.timedelta(days=1)
    last = first + LONGEST if until is None else day_of(until, ZoneInfo(zone)) + dt.timedelta(days=1)
    for n in range((last - first).days + 1):
        day = first + dt.timedelta(days=n)
        if is_open_on(day, config):
            opens = max(since, instant_of(day, hours.opens, zone))
            closes = instant_of(day, hours.closes, zone)
            if until is not None:
                closes = min(until, closes)
            if opens < closes:
                yield opens, closes


def is_open_on(day: dt.date, config: Config) -> bool:
    """Tell whether the firm opens on a day: one of its days of the week, and no holiday."""
    hours = config.business_hours
    return DAYS[day.weekday()] in hours.days and not _is_holiday(day, hours.holidays) and day not in hours.closed_days


def _is_holiday(day: dt.date, named: str | tuple[dt.date, ...]) -> bool:
    if not isinstance(named, str):
        return day in named
    return bool(named) and day in _holidays(named, day.year)


@cache
def _holidays(code: str, year: int) -> Container[dt.date]:
    country, _, subdivision = code.partition("-")
    return holidays.country_holidays(country, subdiv=subdivision or None, years=year)


@cache
def instant_of(day: dt.date, clock: str, zone: str) -> int:
    """Return when the clocks of a zone show a time of a day, in microseconds since 1970.

    Found by looking: at every hour around it, what would the clock show? A time that comes twice is the first of the two; one
    that never comes counts on as if the clocks had not been changed (the offset before the change, in both cases).

    >>> [f"{EPOCH + instant_of(dt.date(2026, *day), '02:30', 'Europe/Berlin') * MICROSECOND:%H:%M}" for day in ((3, 29), (10, 25), (7, 1))]
    ['01:30', '00:30', '00:30']
    """
    minutes = int(clock[:2]) * 60 + int(clock[3:])
    shown = (day - EPOCH.date()).days * 24 * HOUR + minutes * 60_000_000
    around = [shown + n * HOUR for n in range(-30, 31)]
    offsets = [_offset(instant, zone) for instant in around]
    hits = [shown - offset for offset in offsets if _offset(shown - offset, zone) == offset]
    if hits:
        return min(hits)
    before = [offset for instant, offset in zip(around, offsets, strict=True) if instant + offset < shown]
    return shown - before[-1]


def _offset(instant: int, zone: str) -> int:
    """Return what the clocks of a zone are ahead of UTC at an instant, in microseconds."""
    offset = (EPOCH + instant * MICROSECOND).astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset // MICROSECOND
