"""Cost by day: ranges spread, days converted, restated spends, and what is held."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.costs import cost_daily
from nisba.attribution.facts import Facts
from nisba.config import Config, Reporting
from tests.strategies import examples
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows

MARCH = dt.date(2026, 3, 1)


def day(number: int) -> dt.date:
    return MARCH + dt.timedelta(days=number)


def spend(amount: str, first: int = 0, last: int | None = None, **more: Any) -> dict[str, Any]:
    ends_on = day(first if last is None else last)
    return {"campaign_id": "c", "starts_on": day(first), "ends_on": ends_on, "amount": Decimal(amount), "currency": "USD", **more}


def costs(*spends: dict[str, Any], quotes: tuple[dict[str, Any], ...] = (), campaigns: Any = (), currency: str = "USD") -> Any:
    facts = Facts.of(spend=fact_rows("spend", *spends), fx=fact_rows("fx", *quotes), campaign=fact_rows("campaign", *campaigns))
    return cost_daily(facts, Config(reporting=Reporting(currency=currency)))


def by_day(table: Any) -> dict[tuple[str, int], Decimal]:
    return {(row["campaign_id"], (row["day"] - MARCH).days): row["cost_reporting"] for row in table.to_pylist()}


def test_a_range_is_spread_evenly_with_the_odd_cents_first() -> None:
    table, held = costs(spend("10.00", 0, 2))
    assert by_day(table) == {("c", 0): Decimal("3.34"), ("c", 1): Decimal("3.33"), ("c", 2): Decimal("3.33")}
    assert held.num_rows == 0


def test_a_credit_note_is_the_same_below_zero() -> None:
    table, _ = costs(spend("-0.05", 0, 2))
    assert [str(row["cost_reporting"]) for row in table.to_pylist()] == ["-0.020", "-0.020", "-0.010"]


def test_spends_of_one_day_add_up_and_campaigns_do_not() -> None:
    table, _ = costs(spend("1.00"), spend("2.00", 0, 1), spend("7.00", campaign_id="b"), spend("4.00", source="other"))
    assert by_day(table) == {("b", 0): 7, ("c", 0): 6, ("c", 1): 1}


def test_a_restated_spend_replaces_and_another_range_does_not() -> None:
    table, _ = costs(spend("1.00"), spend("2.00", revision=1), spend("3.00", occurred_at=NOON + STEP), spend("0.50", 0, 1))
    assert by_day(table) == {("c", 0): Decimal("2.25"), ("c", 1): Decimal("0.25")}


def test_counts_are_spread_and_are_null_where_nobody_counted() -> None:
    table, _ = costs(spend("0", 0, 1, clicks=3, leads=0), spend("0", 1, 1, clicks=10, impressions=None))
    found = [(row["clicks"], row["leads"], row["impressions"]) for row in table.to_pylist()]
    assert found == [(2, 0, None), (11, 0, None)]


def quote(number: int, rate: str, base: str = "EUR") -> dict[str, Any]:
    return {"base": base, "quote": "USD", "date": day(number), "rate": rate}


def test_every_day_has_its_own_rate() -> None:
    table, held = costs(spend("10.00", 0, 1, currency="EUR"), quotes=(quote(0, "1.1"), quote(1, "1.2")))
    assert (by_day(table), held.num_rows) == ({("c", 0): Decimal("5.50"), ("c", 1): Decimal("6.00")}, 0)


def test_minor_units_of_both_currencies() -> None:
    table, _ = costs(spend("1000", 0, 2, currency="JPY"), quotes=(quote(0, "0.005", "JPY"),))
    assert [str(row["cost_reporting"]) for row in table.to_pylist()] == ["1.670", "1.660", "1.660"]


def test_one_day_without_a_rate_holds_the_whole_spend() -> None:
    """The quote of day 0 serves until day 7."""
    table, held = costs(spend("8.00", 0, 7, currency="EUR"), spend("9.00", 0, 8, currency="EUR"), spend("1.00", 3), quotes=(quote(0, "1"),))
    assert sum(by_day(table).values()) == 9
    (row,) = held.to_pylist()
    assert row == {
        "kind": "spend",
        "id": "s|c|2026-03-01|2026-03-09",
        "reason": "fx_missing",
        "deal_id": None,
        "campaign_id": "c",
        "currency": "EUR",
        "amount": Decimal(9),
        "detail": "no rate into the reporting currency on a day of the range or the 7 days before it",
    }


def test_the_channel_is_that_of_the_latest_event() -> None:
    campaigns = [
        {"campaign_id": "c", "channel": "email"},
        {"campaign_id": "c", "channel": "event", "occurred_at": NOON + STEP},
        {"campaign_id": "b", "channel": "paid"},
    ]
    table, _ = costs(spend("1.00"), spend("1.00", campaign_id="a"), campaigns=campaigns)
    assert {row["campaign_id"]: row["channel"] for row in table.to_pylist()} == {"c": "event", "a": None}


def test_nothing_spent() -> None:
    table, held = costs()
    assert (table.num_rows, held.num_rows) == (0, 0)


SPENDS = st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 3), st.integers(0, 40))


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_no_cent_is_lost_or_invented(currency: str) -> None:
    unit = {"USD": 10, "JPY": 1000, "KWD": 1}[currency]

    @examples(15, of_profile=0.25)
    @given(st.lists(SPENDS, max_size=5))
    def check(spends: list[tuple[int, int, int]]) -> None:
        rows = [
            spend(str(Decimal(minor * unit) / 1000), first, first + more, currency=currency, source=str(number))
            for number, (minor, first, more) in enumerate(spends)
        ]
        table, _ = costs(*rows, currency=currency)
        assert sum(by_day(table).values()) == sum(Decimal(minor * unit) / 1000 for minor, *_ in spends)

    check()
