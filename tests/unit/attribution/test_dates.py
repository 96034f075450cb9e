"""Local days are zoneinfo's, on both sides of every change of the clocks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.dates import DAY_US, ends_of_days, local_days
from tests.unit.attribution.fact_rows import UTC, micros

EPOCH = dt.date(1970, 1, 1)


def expected(instant: dt.datetime, zone: str) -> int:
    return (instant.astimezone(ZoneInfo(zone)).date() - EPOCH).days


def days(instants: list[dt.datetime], zone: str) -> list[int]:
    found: list[int] = local_days(np.array([micros(instant) for instant in instants], dtype=np.int64), zone).tolist()
    return found


CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/Sao_Paulo": ("2018-11-04T03:00", "2019-02-17T02:00"),  # at local midnight: a day without its first hour
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),  # half an hour
    "Pacific/Apia": ("2011-12-30T10:00",),  # a day left out
    "Asia/Kathmandu": ("1985-12-31T18:30",),  # a quarter of an hour, at midnight
    "Asia/Pyongyang": ("2018-05-04T15:00",),
    "Europe/Dublin": ("2026-12-31T23:59",),
}


@pytest.mark.parametrize(("zone", "text"), [(zone, text) for zone, texts in CHANGES.items() for text in texts])
def test_around_a_change_of_clocks(zone: str, text: str) -> None:
    change = dt.datetime.fromisoformat(f"{text}:00+00:00")
    steps = [dt.timedelta(microseconds=step) for step in (-1, 0, 1)]
    steps += [dt.timedelta(hours=hours, microseconds=step) for hours in (-24, -13, -1, 1, 13, 24) for step in (-1, 0, 1)]
    instants = [change + step for step in steps]
    assert days(instants, zone) == [expected(instant, zone) for instant in instants]


@pytest.mark.parametrize("zone", CHANGES)
def test_around_each_midnight_of_some_years(zone: str) -> None:
    """Both the last microsecond of a local day and the first of the next, through summers and winters."""
    instants = []
    for number in range(0, 2 * 366, 13):
        midnight = dt.datetime.combine(dt.date(2025, 1, 1) + dt.timedelta(days=number), dt.time(), ZoneInfo(zone)).astimezone(UTC)
        instants += [midnight - dt.timedelta(microseconds=1), midnight]
    found = days(instants, zone)
    assert found == [expected(instant, zone) for instant in instants]
    assert {after - before for before, after in zip(found[::2], found[1::2], strict=True)} == {1}


@given(st.lists(st.integers(-(10**15), 7 * 10**15), min_size=1, max_size=6), st.sampled_from(sorted(CHANGES)))
def test_any_instants_together(instants_us: list[int], zone: str) -> None:
    """From 1938 to 2191, far apart or not."""
    instants = [dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=us) for us in instants_us]
    assert days(instants, zone) == [expected(instant, zone) for instant in instants]


def test_before_1970_days_are_negative() -> None:
    last, earlier = dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), dt.datetime(1969, 7, 20, 2, tzinfo=UTC)
    assert days([last, earlier], "UTC") == [-1, -165]
    assert days([last, earlier], "America/New_York") == [-1, -166]


def test_both_ends_of_the_calendar_beside_a_day_of_ours() -> None:
    """CRMs write 0001-01-01 and 9999-12-31; their local dates may lie outside Python's calendar, and books must not stumble over them."""
    first, last = dt.datetime.min.replace(tzinfo=UTC), dt.datetime.max.replace(tzinfo=UTC)
    ours = dt.datetime(2026, 3, 1, 2, tzinfo=UTC)
    first_day, last_day = (dt.date.min - EPOCH).days, (dt.date.max - EPOCH).days
    assert days([first, ours, last], "America/New_York") == [first_day - 1, expected(ours, "America/New_York"), last_day]
    assert days([first, ours, last], "Asia/Tokyo") == [first_day, expected(ours, "Asia/Tokyo"), last_day + 1]


def test_no_instants() -> None:
    assert local_days(np.array([], dtype=np.int64), "Europe/Berlin").tolist() == []
    assert dt.timedelta(days=1) // dt.timedelta(microseconds=1) == DAY_US


def end(date: dt.date, zone: str) -> dt.datetime:
    """What it should be, by a search: the last quarter of an hour before any of the next day or a later one, in days around it."""
    first = dt.datetime.combine(date, dt.time(), UTC) - dt.timedelta(days=2)
    quarters = (first + number * dt.timedelta(minutes=15) for number in range(5 * 96))
    begun = next(instant for instant in quarters if instant.astimezone(ZoneInfo(zone)).date() > date)
    return begun - dt.timedelta(microseconds=1)


@pytest.mark.parametrize(("zone", "text"), [(zone, text) for zone, texts in CHANGES.items() for text in texts])
def test_ends_of_days_around_a_change_of_clocks(zone: str, text: str) -> None:
    dates = [dt.date.fromisoformat(text[:10]) + dt.timedelta(days=number) for number in range(-2, 3)]
    found = ends_of_days(np.array([(date - EPOCH).days for date in dates], dtype=np.int64), zone)
    assert found.tolist() == [micros(end(date, zone)) for date in dates]
