"""Simulated time: dates, weekdays and written instants, beside Python's own calendar."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.catalogue import REGIONS
from simulator.clock import DAY, FIRST_SECONDS, RUN_UP, START, START_SECONDS, iso_instants, on_weekday, to_date, utc_instant

SECONDS = st.integers(START_SECONDS - 400 * DAY, START_SECONDS + 4_000 * DAY)
OFFSETS = st.sampled_from(sorted({0, 765, -720, *(offset for region in REGIONS for offset in region.offsets)}))


def moment(seconds: int, offset_minutes: int = 0) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(minutes=offset_minutes)))


@pytest.mark.parametrize(
    ("seconds", "day"),
    [
        (0, dt.date(1970, 1, 1)),
        (DAY - 1, dt.date(1970, 1, 1)),
        (DAY, dt.date(1970, 1, 2)),
        (-1, dt.date(1969, 12, 31)),
        (START_SECONDS, dt.date(2024, 1, 1)),
        (START_SECONDS - 1, dt.date(2023, 12, 31)),
        (START_SECONDS + 31 * DAY, dt.date(2024, 2, 1)),
        (START_SECONDS + 366 * DAY, dt.date(2025, 1, 1)),
        (START_SECONDS + 1_520 * DAY, dt.date(2028, 2, 29)),
    ],
)
def test_dates_across_days_months_years_and_a_leap_day(seconds: int, day: dt.date) -> None:
    assert to_date(seconds) == day


def test_the_first_day_is_a_monday_and_stays_the_first() -> None:
    assert (START, START.weekday(), START_SECONDS) == (dt.date(2024, 1, 1), 0, 1_704_067_200)
    assert START_SECONDS - FIRST_SECONDS == RUN_UP * DAY


@pytest.mark.parametrize(("day", "moved"), [(5, 5), (6, 4), (7, 5), (8, 8), (9, 9), (12, 12), (13, 11), (14, 12)])
def test_saturdays_become_thursdays_and_sundays_fridays(day: int, moved: int) -> None:
    """January 2024: the 6th, 7th, 13th and 14th are a weekend."""
    at = START_SECONDS + (day - 1) * DAY + 9 * 3600
    assert on_weekday(np.asarray([at])).tolist() == [START_SECONDS + (moved - 1) * DAY + 9 * 3600]


@given(st.lists(SECONDS, max_size=20))
def test_no_work_on_weekends_and_the_time_of_day_stays(seconds: list[int]) -> None:
    moved = on_weekday(np.asarray(seconds, dtype=np.int64)).tolist()
    for before, after in zip(seconds, moved, strict=True):
        assert moment(after).weekday() < 5
        assert before - after in (0, 2 * DAY)
        assert (before == after) == (moment(before).weekday() < 5)


@given(SECONDS, OFFSETS)
def test_one_instant_is_written_as_python_writes_it(seconds: int, offset: int) -> None:
    assert utc_instant(seconds, offset) == moment(seconds, offset).isoformat()


@given(st.lists(st.tuples(SECONDS, OFFSETS, st.integers(0, 999), st.booleans()), min_size=1, max_size=20))
def test_many_instants_are_the_same_instants(rows: list[tuple[int, int, int, bool]]) -> None:
    seconds, offsets, millis = (np.asarray([row[place] for row in rows], dtype=np.int64) for place in range(3))
    zulu = np.asarray([row[3] for row in rows])
    written = iso_instants(seconds, offsets, millis, zulu=zulu)
    for text, (second, offset, milli, is_zulu) in zip(written, rows, strict=True):
        exact = moment(second) + dt.timedelta(milliseconds=milli)
        assert dt.datetime.fromisoformat(text.replace("Z", "+00:00")) == exact
        assert text.endswith("Z") == is_zulu
        assert is_zulu or text == exact.astimezone(moment(0, offset).tzinfo).isoformat(timespec="milliseconds")


@given(st.lists(st.tuples(SECONDS, OFFSETS), max_size=10))
def test_many_and_one_agree(rows: list[tuple[int, int]]) -> None:
    seconds, offsets = (np.asarray([row[place] for row in rows], dtype=np.int64) for place in range(2))
    assert iso_instants(seconds, offsets) == [utc_instant(*row) for row in rows]


@pytest.mark.parametrize(
    ("offset", "suffix"), [(0, "+00:00"), (330, "+05:30"), (-210, "-03:30"), (765, "+12:45"), (-30, "-00:30"), (-480, "-08:00")]
)
def test_offsets_west_of_utc_and_of_half_hours(offset: int, suffix: str) -> None:
    assert utc_instant(START_SECONDS, offset)[19:] == suffix
