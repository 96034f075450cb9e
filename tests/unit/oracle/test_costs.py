"""Cost spreading (semantics §9), by hand: days, months, credit notes, restatements, rates and counts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.config import Config, Reporting
from tests.oracle.costs import cost_daily, spread
from tests.oracle.entries import Held
from tests.oracle.money import rates
from tests.strategies import Event, event
from tests.unit.oracle.facts import quote, settled, spend


def costs(*events: Event, currency: str = "USD") -> tuple[dict[str, Decimal], list[Held]]:
    """Return the cost of each day, and what is held."""
    rows, held = table(*events, currency=currency)
    return {row["day"].isoformat(): row["cost_reporting"] for row in rows}, held


def table(*events: Event, currency: str = "USD") -> tuple[list[dict[str, Any]], list[Held]]:
    facts, config = settled(*events), Config(reporting=Reporting(currency=currency))
    return cost_daily(facts, rates(facts, config), config)


@pytest.mark.parametrize(
    ("total", "days", "expected"),
    [(10, 3, [4, 3, 3]), (-10, 3, [-4, -3, -3]), (0, 2, [0, 0]), (1, 4, [1, 0, 0, 0]), (7, 1, [7]), (11, 4, [3, 3, 3, 2])],
)
def test_spreading(total: int, days: int, expected: list[int]) -> None:
    assert spread(total, days) == expected


@given(st.integers(-(10**14), 10**14), st.integers(1, 400))
def test_spreading_is_even_and_loses_nothing(total: int, days: int) -> None:
    shares = spread(total, days)
    assert (len(shares), sum(shares)) == (days, total)
    assert max(shares) - min(shares) <= 1
    assert [abs(share) for share in shares] == sorted((abs(share) for share in shares), reverse=True)


def test_the_golden_range_in_months() -> None:
    """18,000.00 over 109 days: 83 days of 165.14 and 26 of 165.13; the months add up to the total."""
    of_days, _ = costs(spend("k", "18000.00", "2026-07-01", "2026-10-17"))
    months: dict[str, Decimal] = defaultdict(Decimal)
    for day, cost in of_days.items():
        months[day[5:7]] += cost
    assert months == {"07": Decimal("5119.34"), "08": Decimal("5119.34"), "09": Decimal("4954.11"), "10": Decimal("2807.21")}
    assert sum(months.values()) == 18_000


def test_a_day_is_a_range_of_one() -> None:
    assert costs(spend("k", "5.00", "2026-03-01")) == costs(spend("k", "5.00", "2026-03-01", "2026-03-01"))
    assert costs(spend("k", "5.00", "2026-03-01"))[0] == {"2026-03-01": 5}


def test_a_credit_note_of_another_source_lowers_the_day() -> None:
    note = spend("n", "-2.50", "2026-03-01") | {"source": "ads-credits"}
    assert costs(spend("k", "5.00", "2026-03-01"), note)[0] == {"2026-03-01": Decimal("2.50")}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"revision": 1}, 7),
        ({}, 7),
        ({"ends_on": "2026-03-02"}, 12),
        ({"starts_on": "2026-03-02"}, 12),
        ({"campaign_id": "other"}, 12),
    ],
    ids=["a revision", "the later id", "another range", "another day", "another campaign"],
)
def test_what_replaces_a_cost_and_what_adds_to_it(second: dict[str, Any], expected: int) -> None:
    data = {"starts_on": "2026-03-01"} | second
    assert sum(row["cost_reporting"] for row in table(spend("k1", "5.00", "2026-03-01"), spend("k2", "7.00", **data))[0]) == expected


def test_an_older_revision_that_comes_late_changes_nothing() -> None:
    assert costs(spend("k1", "5.00", "2026-03-01", revision=2), spend("k9", "7.00", "2026-03-01", revision=1))[0] == {"2026-03-01": 5}


def test_every_day_has_its_own_rate() -> None:
    quotes = [quote("2026-03-01", "EUR", "USD", "1.10"), quote("2026-03-02", "EUR", "USD", "1.20")]
    found, held = costs(spend("k", "20.01", "2026-03-01", "2026-03-02", currency="EUR"), *quotes)
    assert found == {"2026-03-01": Decimal("11.01"), "2026-03-02": Decimal("12.00")}, "10.01 × 1.10 = 11.011; 10.00 × 1.20"
    assert held == []


def test_yen_become_cents() -> None:
    found, _ = costs(spend("k", "1000", "2026-03-01", "2026-03-03", currency="JPY"), quote("2026-03-01", "USD", "JPY", "150"))
    assert list(found.values()) == [Decimal("2.23"), Decimal("2.22"), Decimal("2.22")]


def test_a_day_without_rate_holds_the_whole_cost() -> None:
    found, held = costs(
        spend("k", "20.00", "2026-03-01", "2026-03-20", currency="EUR"),
        spend("d", "1.00", "2026-03-01"),
        quote("2026-03-01", "EUR", "USD", "1.10"),
    )
    assert found == {"2026-03-01": 1}
    (row,) = held
    assert (row.kind, row.reason, row.currency, row.amount, row.campaign_id) == ("spend", "fx_missing", "EUR", 2_000, "c")
    assert row.id == "ads|c|2026-03-01|2026-03-20"


def test_the_channel_is_that_of_the_campaigns_register() -> None:
    data = {"campaign_id": "c", "name": "n"}
    first = event("campaign", "plan", "1", "2026-01-01T00:00:00Z", data | {"channel": "email"})
    later = event("campaign", "plan", "2", "2026-02-01T00:00:00Z", data | {"channel": "event"})
    rows, _ = table(first, later, spend("k", "1.00", "2026-03-01"), spend("o", "1.00", "2026-03-01", campaign_id="unknown"))
    assert {row["campaign_id"]: row["channel"] for row in rows} == {"c": "event", "unknown": None}


def test_counts_are_spread_like_money_and_absent_where_nobody_counted() -> None:
    rows, _ = table(
        spend("k", "3.00", "2026-03-01", "2026-03-03", impressions=1_000, clicks=1),
        spend("m", "1.00", "2026-03-03", impressions=0) | {"source": "mail"},
        spend("n", "1.00", "2026-03-04"),
    )
    by_day = {row["day"].day: (row["impressions"], row["clicks"], row["leads"]) for row in rows}
    assert by_day == {1: (334, 1, None), 2: (333, 0, None), 3: (333, 0, None), 4: (None, None, None)}
    assert {row["day"] for row in rows} == {dt.date(2026, 3, day) for day in (1, 2, 3, 4)}
