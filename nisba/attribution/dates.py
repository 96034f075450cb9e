"""Dates in the reporting time zone.

Offsets come from `zoneinfo` (and so from the pinned `tzdata`), looked up once for each six hours of a year that is
needed; where one changes inside such a stretch, the instant of the change is found by bisection.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from nisba.attribution.columns import Ints

__all__ = ["DAY_US", "ends_of_days", "local_days", "offsets_between"]

DAY_US = 86_400_000_000
_SECOND_US = 1_000_000
_STRETCH = 21_600  # seconds; no zone changes its offset twice within
_DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_SECOND = int((datetime.min.replace(tzinfo=timezone.utc) - _EPOCH).total_seconds())
_LAST_SECOND = int((datetime.max.replace(tzinfo=timezone.utc) - _EPOCH).total_seconds())


def local_days(instants_us: Ints, time_zone: str) -> Ints:
    """Return the reporting date of each instant, as days since 1970-01-01.

    >>> local_days(np.array([1_772_323_200_000_000 - 1]), "Asia/Riyadh") - 1_772_323_200_000_000 // DAY_US
    array([0])
    """
    if time_zone == "UTC" or not len(instants_us):
        return instants_us // DAY_US
    starts, offsets = _offsets_of_years(instants_us, time_zone)
    offset = offsets[np.searchsorted(starts, instants_us, side="right") - 1]
    return (instants_us + offset) // DAY_US


def offsets_between(first_us: int, last_us: int, time_zone: str) -> tuple[Ints, Ints]:
    """Return (starts, offsets) in microseconds over the years of two instants: from each start on, local time = UTC + offset.

    >>> [part.tolist() for part in offsets_between(0, 1, "UTC")]
    [[0], [0]]
    """
    days = np.arange(first_us, max(last_us, first_us) + 1, 180 * DAY_US, dtype=np.int64)
    return _offsets_of_years(np.append(days, last_us), time_zone)


def _offsets_of_years(instants_us: Ints, time_zone: str) -> tuple[Ints, Ints]:
    """Return (starts, offsets) in microseconds for the years that occur: from each start on, local time = UTC + offset."""
    years = instants_us.astype("M8[us]").astype("M8[Y]").astype(np.int64) + 1970
    first = int(years.min())
    occurring = (np.flatnonzero(np.bincount(years - first)) + first).tolist()
    table = np.array([change for year in occurring for change in _offsets_of_year(year, time_zone)], dtype=np.int64) * _SECOND_US
    return table[:, 0], table[:, 1]


def _year(second: int) -> int:
    return (_EPOCH + timedelta(seconds=second)).year


@lru_cache(maxsize=512)
def _offsets_of_year(year: int, time_zone: str) -> tuple[tuple[int, int], ...]:
    """Return (second since 1970, offset in seconds) for the start of a UTC year and each change in it."""
    zone = ZoneInfo(time_zone)
    start = int((datetime(year, 1, 1, tzinfo=timezone.utc) - _EPOCH).total_seconds())
    end = start + 366 * _DAY
    changes = [(start, _offset(start, zone))]
    for second in range(start, end, _STRETCH):
        if _offset(second + _STRETCH, zone) != changes[-1][1]:
            change = _first_second_of_change(second, second + _STRETCH, zone)
            changes.append((change, _offset(change, zone)))
    return tuple(change for change in changes if change[0] == start or _year(change[0]) == year)


def _offset(second: int, zone: ZoneInfo) -> int:
    """Return the offset of an instant; of the calendar's first and last day, which may be another year there, that of the day inside."""
    inside = min(max(second, _FIRST_SECOND + _DAY), _LAST_SECOND - _DAY)
    offset = (_EPOCH + timedelta(seconds=inside)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _first_second_of_change(before: int, after: int, zone: ZoneInfo) -> int:
    """Return the first second in (before, after] with the offset of `after`."""
    target = _offset(after, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(middle, zone) == target else (middle, after)
    return after


def ends_of_days(dates: Ints, time_zone: str) -> Ints:
    """Return the last microsecond of each date (days since 1970-01-01) in a time zone, in microseconds since 1970.

    A day begins at the earliest instant whose local date is that day or a later one, and ends where the next one begins.

    >>> ends_of_days(np.array([0]), "UTC")
    array([86399999999])
    """
    return _starts_of_days(dates + 1, time_zone) - 1


def _starts_of_days(dates: Ints, time_zone: str) -> Ints:
    """Return the earliest instant whose local date is each day or a later one."""
    if time_zone == "UTC" or not len(dates):
        return dates * DAY_US
    occurring, place = np.unique(dates, return_inverse=True)
    starts = np.array([_start_of_day(day, time_zone) for day in occurring.tolist()], dtype=np.int64)
    return np.asarray(starts[place], dtype=np.int64)


def _start_of_day(day: int, time_zone: str) -> int:
    """Return the earliest instant of a day. No offset is above a day: it lies in the two days around midnight UTC."""
    midnight = day * DAY_US
    starts, offsets = _offsets_of_years(np.array([midnight - DAY_US, midnight + DAY_US]), time_zone)
    ends = np.append(starts[1:], np.iinfo(np.int64).max)
    # inside a stretch of one offset local time runs with UTC: the first instant in it at or after local midnight
    first = np.maximum(starts, midnight - offsets)
    return int(first[first < ends].min())
