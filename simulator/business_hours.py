"""The company's business time: how long it has been open between two instants, and when so many hours of it have passed.

It is open from 09:00 to 17:00 in Berlin on weekdays that are no holidays. Summer time is worked out here, from the last Sunday
of March to the last one of October, because a list of time zones may differ from machine to machine.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from simulator.clock import DAY, FIRST_SECONDS
from simulator.draws import Bools, Ints

__all__ = ["CLOSES", "HOLIDAYS", "OPENS", "TIME_ZONE", "BusinessHours"]

TIME_ZONE = "Europe/Berlin"
OPENS, CLOSES = 9, 17  # hours of the local clock
HOLIDAYS: tuple[date, ...] = tuple(date(year, *day) for year in range(2023, 2028) for day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)))

_BEFORE, _AFTER = 120, 400  # days of business time around the story


class BusinessHours:
    """Business time as a number that grows only while the firm is open; all arguments and results are whole seconds."""

    def __init__(self, end: int) -> None:
        """Lay out the opening hours from before the run-up until long after `end`."""
        days = np.arange(FIRST_SECONDS // DAY - _BEFORE, end // DAY + _AFTER, dtype=np.int64)
        days = days[_is_business_day(days)]
        self._opens = days * DAY + OPENS * 3600 - _utc_offset(days)
        self._length = (CLOSES - OPENS) * 3600
        self._until = np.arange(1, len(days) + 1, dtype=np.int64) * self._length

    def elapsed(self, at: Ints) -> Ints:
        """Return how much business time has passed at these instants."""
        day = np.searchsorted(self._opens, at, side="right") - 1
        passed: Ints = day * self._length + np.minimum(at - self._opens[day], self._length)
        return passed

    def instant(self, elapsed: Ints) -> Ints:
        """Return the first instants at which so much business time has passed."""
        day = np.searchsorted(self._until, elapsed, side="left")
        first: Ints = self._opens[day] + elapsed - day * self._length
        return first

    def after(self, at: Ints, seconds: Ints) -> Ints:
        """Return the first instants at which `seconds` of business time have passed since `at`."""
        return self.instant(self.elapsed(at) + seconds)

    def before(self, at: Ints, seconds: Ints) -> Ints:
        """Return instants of business time from which `seconds` of it pass until `at`."""
        return self.instant(self.elapsed(at) - seconds)


def _is_business_day(days: Ints) -> Bools:
    closed = np.asarray([(day - date(1970, 1, 1)).days for day in HOLIDAYS])
    return np.asarray(((days + 3) % 7 < 5) & ~np.isin(days, closed))


def _utc_offset(days: Ints) -> Ints:
    """Return Berlin's seconds east of UTC in the daytime of these days (numbers since the epoch)."""
    years = days.astype("datetime64[D]").astype("datetime64[Y]")
    begins, ends = _last_sunday(years, 3), _last_sunday(years, 10)
    return np.where((days >= begins) & (days < ends), 7_200, 3_600).astype(np.int64)


def _last_sunday(years: np.ndarray, month: int) -> Ints:
    last = (years.astype("datetime64[M]") + month).astype("datetime64[D]").astype(np.int64) - 1
    sunday: Ints = last - (last + 4) % 7
    return sunday
