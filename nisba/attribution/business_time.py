"""Business time: how long a firm was open between two instants, and when so many hours of it have passed (figures: "SLA").

The firm opens and closes by its local clock. A local time that daylight saving skips or repeats is read with the offset before the
change; how long a day is open is what really passes between the two instants.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from nisba.attribution.columns import Ints

__all__ = ["OfficeHours", "holidays_of"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LAST_DAY = dt.date(9990, 1, 1)

IsHoliday = Callable[[dt.date], bool]


def holidays_of(code: str | None, days: Iterable[dt.date] = ()) -> IsHoliday:
    """Return what tells closed days: those of a country, `DE`, or of a country and its subdivision, `DE-BE`, and those that are named.

    >>> holidays_of("DE")(dt.date(2026, 10, 3)), holidays_of(None, [dt.date(2026, 1, 2)])(dt.date(2026, 10, 3))
    (True, False)
    """
    named = frozenset(days)
    if not code:
        return named.__contains__
    import holidays  # half a second: only where it is used

    country, _, subdivision = code.partition("-")
    known = holidays.country_holidays(country, subdiv=subdivision or None)
    return lambda day: day in named or day in known


@dataclass(frozen=True)
class OfficeHours:
    """When a firm is open: `days` as `mon`, times in minutes after midnight by the clock of `time_zone`."""

    time_zone: str
    days: Sequence[str]
    opens_minute: int
    closes_minute: int
    is_holiday: IsHoliday

    def between(self, starts_us: Ints, ends_us: Ints) -> Ints:
        """Return the business time from each start to its end, in microseconds; 0 where the end comes first."""
        if not len(starts_us):
            return np.zeros(0, dtype=np.int64)
        open_days = self._open_days(int(starts_us.min()), int(max(starts_us.max(), ends_us.max())), 0)
        return np.asarray(np.maximum(_passed(open_days, ends_us) - _passed(open_days, starts_us), 0), dtype=np.int64)

    def after(self, starts_us: Ints, durations_us: Ints) -> Ints:
        """Return the first instants at which so much business time has passed since the starts, in microseconds since 1970."""
        if not len(starts_us):
            return np.zeros(0, dtype=np.int64)
        opens, closes = open_days = self._open_days(int(starts_us.min()), int(starts_us.max()), int(durations_us.max()))
        passed = np.cumsum(closes - opens)
        wanted = _passed(open_days, starts_us) + durations_us
        day = np.minimum(np.searchsorted(passed, wanted, side="left"), len(passed) - 1)
        return np.asarray(np.where(durations_us == 0, starts_us, closes[day] - (passed[day] - wanted)), dtype=np.int64)

    def _open_days(self, first_us: int, last_us: int, further_us: int) -> tuple[Ints, Ints]:
        """Return when the firm opens and closes on the days around two instants, and on as many later as hold `further_us` more."""
        begins, ends = _date(first_us) - dt.timedelta(days=2), _date(last_us) + dt.timedelta(days=2)
        spans: list[tuple[int, int]] = []
        left_us = further_us
        for day in _days_from(begins):
            if day > ends and left_us <= 0 and spans:
                break
            if _DAYS[day.weekday()] in self.days and not self.is_holiday(day):
                opens, closes = self._instant(day, self.opens_minute), self._instant(day, self.closes_minute)
                closes = max(opens, closes)  # a clock that jumps over the opening may jump beyond the closing
                spans.append((opens, closes))
                left_us -= (closes - opens) * (day > ends)
        found = np.array(spans, dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _instant(self, day: dt.date, minute: int) -> int:
        return _instant_us(day + dt.timedelta(days=minute // 1440), minute % 1440, self.time_zone)


def _passed(open_days: tuple[Ints, Ints], instants_us: Ints) -> Ints:
    """Return the business time that has passed at each instant since the first of the days."""
    opens, closes = open_days
    before = np.concatenate([[0], np.cumsum(closes - opens)])
    day = np.searchsorted(opens, instants_us, side="right") - 1
    inside = np.minimum(instants_us, closes[np.maximum(day, 0)]) - opens[np.maximum(day, 0)]
    return np.asarray(np.where(day < 0, 0, before[np.maximum(day, 0)] + inside), dtype=np.int64)


def _days_from(first: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=number) for number in range((_LAST_DAY - first).days))


def _date(instant_us: int) -> dt.date:
    return (_EPOCH + instant_us * _MICROSECOND).date()


@cache
def _instant_us(day: dt.date, minute: int, time_zone: str) -> int:
    local = dt.datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(time_zone))
    return (local - _EPOCH) // _MICROSECOND
