"""Months, quarters and years of the fiscal calendar, by their names."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nisba.attribution.dates import ends_of_days
from nisba.errors import ConfigError

__all__ = ["Period", "end_of", "period_named"]

_NAME = re.compile(r"(?P<year>\d{4})(?:-Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")
_YEARS = range(1971, 2200)
"""Fiscal years whose every day the books know."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@dataclass(frozen=True)
class Period:
    """A stretch of whole days, both ends included."""

    kind: Literal["month", "quarter", "year"]
    name: str
    start: dt.date
    end: dt.date

    def shares_a_day(self, other: Period) -> bool:
        """Tell whether some day lies in both."""
        return self.start <= other.end and other.start <= self.end


def period_named(name: str, start_month: int) -> Period:
    """Return a month, fiscal quarter or fiscal year; a fiscal year begins with `start_month` and is named by the year in which it ends.

    >>> period_named("2026-Q1", 4).start, period_named("2026-Q1", 4).end
    (datetime.date(2025, 4, 1), datetime.date(2025, 6, 30))

    Raises ConfigError for a name that is none.
    """
    found = _NAME.fullmatch(name)
    if found is None or int(found["year"]) not in _YEARS:
        raise ConfigError(f"{name!r} is no period: expected a month, quarter or year, such as 2026-03, 2026-Q1 or 2026.")
    year = int(found["year"])
    if found["month"]:
        return _months("month", name, dt.date(year, int(found["month"]), 1), 1)
    first = dt.date(year - (start_month > 1), start_month, 1)
    if found["quarter"]:
        return _months("quarter", name, _later(first, 3 * (int(found["quarter"]) - 1)), 3)
    return _months("year", name, first, 12)


def _months(kind: Literal["month", "quarter", "year"], name: str, first: dt.date, count: int) -> Period:
    return Period(kind, name, first, _later(first, count) - dt.timedelta(days=1))


def _later(first: dt.date, months: int) -> dt.date:
    """Return the first day of the month that is so many months later."""
    month = first.month - 1 + months
    return dt.date(first.year + month // 12, month % 12 + 1, 1)


def end_of(period: Period, time_zone: str) -> dt.datetime:
    """Return the last microsecond of a period by the clocks of a time zone.

    >>> end_of(period_named("2026-03", 1), "Asia/Riyadh").isoformat()
    '2026-03-31T20:59:59.999999+00:00'
    """
    days = np.array([(period.end - _EPOCH.date()).days], dtype=np.int64)
    return _EPOCH + dt.timedelta(microseconds=int(ends_of_days(days, time_zone)[0]))
