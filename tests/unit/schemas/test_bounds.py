"""The days that the books know, by columns and by texts: both say the same."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from nisba.attribution.facts import INSTANT
from schemas.bounds import is_outside, leave_far_out, without_far
from schemas.events import Campaign, Deal

UTC = dt.timezone.utc
DAYS = {"0001-01-01": True, "1969-12-31": True, "1970-01-01": False, "2199-12-31": False, "2200-01-01": True, "9999-12-31": True}


def test_days_outside() -> None:
    column = pa.array([dt.date.fromisoformat(day) for day in DAYS] + [None], pa.date32())
    assert is_outside(column).tolist() == [*DAYS.values(), False]


def test_instants_outside() -> None:
    first, last = dt.datetime(1970, 1, 1, tzinfo=UTC), dt.datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    tick = dt.timedelta(microseconds=1)
    assert is_outside(pa.array([first - tick, first, last, last + tick, None], INSTANT)).tolist() == [True, False, False, True, False]
    assert is_outside(pa.array([first, None], INSTANT)).tolist() == [False, False]
    assert is_outside(pa.array([], INSTANT)).tolist() == []


def deals(*states: tuple[str, str]) -> dict[str, Any]:
    return {
        "status": pa.array([status for status, _ in states]),
        "closed_at": pa.nulls(len(states), INSTANT),
        "closed_on": pa.array([dt.date.fromisoformat(day) for _, day in states], pa.date32()),
    }


def test_only_the_expected_close_of_an_open_deal_becomes_null() -> None:
    changed = without_far("deal", deals(("open", "9999-12-31"), ("won", "9999-12-31"), ("open", "2026-03-01")))
    assert {name: column.to_pylist() for name, column in changed.items()} == {
        "closed_on": [None, dt.date(9999, 12, 31), dt.date(2026, 3, 1)],
    }
    assert without_far("deal", deals(("won", "9999-12-31"))) == {}
    assert without_far("touch", {}) == {}


@pytest.mark.parametrize(("day", "outside"), DAYS.items())
def test_texts_are_left_out_as_columns_are(day: str, outside: bool) -> None:
    deal = Deal(deal_id="d", stage="s", status="open", opened_on="2026-01-01", closed_on=day)
    campaign = Campaign(campaign_id="c", name="n", channel="e", starts_on=day, ends_on=None)
    lost = Deal(deal_id="d", stage="s", status="lost", opened_on="2026-01-01", closed_at=f"{day}T00:00:00.000000Z")
    for fact_type, data in (("deal", deal), ("campaign", campaign), ("deal", lost)):
        leave_far_out(fact_type, data)
    assert (deal.closed_on, campaign.starts_on) == ((None, None) if outside else (day, day))
    assert (lost.closed_at, deal.opened_on) == (f"{day}T00:00:00.000000Z", "2026-01-01")
