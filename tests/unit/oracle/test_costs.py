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
from tests.oracle.costs import cost_daily, named_campaigns, spread
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
    """18,000.00 over 109 days, rounded month after month on what there is until then: the months add up to the total."""
    of_days, _ = costs(spend("k", "18000.00", "2026-07-01", "2026-10-17"))
    months: dict[str, Decimal] = defaultdict(Decimal)
    for day, cost in of_days.items():
        months[day[5:7]] += cost
    assert months == {"07": Decimal("5119.27"), "08": Decimal("5119.26"), "09": Decimal("4954.13"), "10": Decimal("2807.34")}
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
    assert list(found.values()) == [Decimal("2.22"), Decimal("2.22"), Decimal("2.23")], "2.222222, 4.444444, 6.666667"


def test_a_day_without_rate_holds_the_whole_cost() -> None:
    found, held = costs(
        spend("k", "20.00", "2026-03-01", "2026-03-20", currency="EUR"),
        spend("d", "1.00", "2026-03-01"),
        quote("2026-03-01", "EUR", "USD", "1.10"),
    )
    assert found == {"2026-03-01": 1}
    (row,) = held
    assert (row.kind, row.reason, row.currency, row.amount, row.campaign_id) == ("spend", "fx_missing", "EUR", Decimal(20), "c")
    assert row.id == "ads|c|2026-03-01|2026-03-20"


def test_millionths_wait_until_they_make_a_cent() -> None:
    two_days = [spend("a", "211.120966", "2026-03-01"), spend("b", "0.003000", "2026-03-02")]
    assert list(costs(*two_days)[0].values()) == [Decimal("211.12"), 0]
    assert list(costs(*two_days, spend("c", "0.002034", "2026-03-03"))[0].values()) == [Decimal("211.12"), 0, Decimal("0.01")]


def test_a_spend_id_tells_rows_of_one_day_apart_and_lets_a_cost_move() -> None:
    rows = [spend(f"k{name}", amount, "2026-03-01", spend_id=name) for name, amount in (("a", "36.15"), ("b", "24.57"), ("c", "3.00"))]
    assert costs(*rows)[0] == {"2026-03-01": Decimal("63.72")}
    moved = spend("kz", "3.00", "2026-03-05", spend_id="c", campaign_id="other")
    found, _ = table(*rows, moved)
    assert {(row["campaign_id"], row["day"].day): row["cost_reporting"] for row in found} == {
        ("c", 1): Decimal("60.72"),
        ("other", 5): Decimal("3.00"),
    }


def campaign(campaign_id: str, same_as: str | None = None, channel: str = "email") -> Event:
    data = {"campaign_id": campaign_id, "name": "n", "channel": channel, "same_as": same_as}
    return event("campaign", "plan", campaign_id, "2026-01-01T00:00:00Z", data)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"x": "y"}, {"x": "y"}),
        ({"x": "y", "y": "z"}, {"x": "z", "y": "z"}),
        ({"x": "x"}, {"x": "x"}),
        ({"z": "y", "y": "z"}, {"y": "y", "z": "y"}),
        ({"a": "q", "q": "r", "r": "p", "p": "q"}, {"a": "p", "p": "p", "q": "p", "r": "p"}),
        ({"x": None}, {}),
    ],
    ids=["a name", "a chain", "its own name", "a cycle", "a chain into a cycle", "no name"],
)
def test_names_of_campaigns(names: dict[str, str | None], expected: dict[str, str]) -> None:
    assert named_campaigns(settled(*(campaign(id_, other) for id_, other in names.items()))) == expected


def test_costs_under_several_names_are_rounded_together() -> None:
    """0.004 under each of two names is a cent on the second; the channel is that of the campaign named."""
    events = [campaign("x", "y", "event"), campaign("y"), spend("a", "0.004", "2026-03-01", campaign_id="x")]
    rows, _ = table(*events, spend("b", "0.004", "2026-03-01", campaign_id="y"))
    assert [(row["campaign_id"], row["channel"], row["cost_reporting"]) for row in rows] == [("y", "email", Decimal("0.01"))]


def test_a_campaign_of_ten_to_the_fifteen_is_held_whole() -> None:
    """The absolute parts count: what is added and what is taken away."""
    near = [spend(f"k{n}", amount, "2026-03-01", spend_id=f"{n}", campaign_id="x") for n, amount in enumerate(["900000000000"] * 1111)]
    rest = spend("r", "-100000000000", "2026-03-02", spend_id="r", campaign_id="y")
    found, held = table(*near, campaign("y", "x"), rest)
    assert found == []
    assert {row.reason for row in held} == {"out_of_range"}
    assert (len(held), held[-1].id, held[-1].amount, held[-1].campaign_id) == (1112, "ads|r", Decimal("-100000000000"), "y")
    assert sum(row["cost_reporting"] for row in table(*near, rest)[0]) == 999_900_000_000_000 - 100_000_000_000


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
