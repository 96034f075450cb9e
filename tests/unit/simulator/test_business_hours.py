"""Business time beside a clock of the standard library, over summer time, weekends and holidays."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.business_hours import HOLIDAYS, BusinessHours
from simulator.clock import DAY, FIRST_SECONDS, START_SECONDS

BERLIN = ZoneInfo("Europe/Berlin")
END = START_SECONDS + 731 * DAY
HOURS = BusinessHours(END)
MOMENTS = st.integers(FIRST_SECONDS, END)


def at(text: str) -> np.ndarray:
    return np.asarray([int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())])


def local(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, BERLIN)


def is_open(moment: dt.datetime) -> bool:
    return moment.weekday() < 5 and moment.date() not in HOLIDAYS and 9 <= moment.hour < 17


@pytest.mark.parametrize(
    ("handed", "hours", "due"),
    [
        ("2024-03-04 09:00", 8, "2024-03-04 17:00"),
        ("2024-03-04 09:00", 9, "2024-03-05 10:00"),
        ("2024-03-08 16:00", 2, "2024-03-11 10:00"),
        ("2024-03-09 12:00", 1, "2024-03-11 10:00"),
        ("2024-03-29 16:00", 2, "2024-04-01 10:00"),
        ("2024-10-25 16:00", 2, "2024-10-28 10:00"),
        ("2024-12-24 16:00", 2, "2024-12-27 10:00"),
        ("2024-12-31 17:00", 24, "2025-01-06 17:00"),
    ],
    ids=["a day", "into the next", "a weekend", "handed on one", "into summer time", "out of it", "Christmas", "New Year"],
)
def test_due_by_hand(handed: str, hours: int, due: str) -> None:
    assert HOURS.after(at(handed), np.asarray([hours * 3600])).tolist() == at(due).tolist()


@given(MOMENTS, st.integers(1, 12))
def test_business_time_runs_only_while_the_firm_is_open(start: int, quarters: int) -> None:
    """Minute by minute, by the standard library's own rules of summer time."""
    start -= start % 60
    span = range(start, start + quarters * 900, 60)
    passed = HOURS.elapsed(np.asarray([start, span.stop]))
    assert passed[1] - passed[0] == 60 * sum(is_open(local(second)) for second in span)


@given(MOMENTS, st.integers(60, 80 * 3600))
def test_after_and_before_are_the_way_there_and_back(moment: int, seconds: int) -> None:
    start = np.asarray([moment])
    there = HOURS.after(start, np.asarray([seconds]))
    assert HOURS.elapsed(there) - HOURS.elapsed(start) == seconds
    back = HOURS.before(there, np.asarray([seconds]))
    assert HOURS.elapsed(back) == HOURS.elapsed(start)
    assert local(int(there[0]) - 1).hour in range(9, 17)
