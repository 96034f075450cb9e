"""Cost by day: ranges spread in millionths, days converted, restated spends, other names, and what is held."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
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


def test_a_range_is_spread_evenly_and_rounded_together() -> None:
    """3.333334, 6.666667, 10: each day is what the rounded sum grows by."""
    table, held = costs(spend("10.00", 0, 2))
    assert by_day(table) == {("c", 0): Decimal("3.33"), ("c", 1): Decimal("3.34"), ("c", 2): Decimal("3.33")}
    assert held.num_rows == 0


def test_a_credit_note_is_the_same_below_zero() -> None:
    table, _ = costs(spend("-1.00", 0, 2), spend("-0.05", 0, 2, campaign_id="d"))
    assert [str(row["cost_reporting"]) for row in table.to_pylist()] == ["-0.330", "-0.340", "-0.330", "-0.020", "-0.010", "-0.020"]


def test_the_odd_millionths_go_to_the_earlier_days() -> None:
    """Half a cent a day, but for one millionth: 0.005000 is rounded to even, 0.005001 is not."""
    above, below = costs(spend("0.010001", 0, 1))[0], costs(spend("0.015", 0, 2))[0]
    assert [str(row["cost_reporting"]) for row in above.to_pylist()] == ["0.010", "0.000"]
    assert [str(row["cost_reporting"]) for row in below.to_pylist()] == ["0.000", "0.010", "0.010"]


def test_fractions_of_a_cent_wait_until_they_make_one() -> None:
    """The days of all spends of a campaign are rounded together; a row whose cost is nothing stays."""
    table, _ = costs(spend("211.120966", 0), spend("0.003000", 1), spend("0.002034", 5), spend("0.004", 1, campaign_id="d"))
    expected = {("c", 0): Decimal("211.12"), ("c", 1): Decimal("0"), ("c", 5): Decimal("0.01"), ("d", 1): Decimal("0")}
    assert by_day(table) == expected


def test_half_a_cent_goes_to_the_even_one() -> None:
    table, _ = costs(spend("0.005", 0), spend("0.010", 1), spend("-0.005", 0, campaign_id="n"), spend("-0.010", 1, campaign_id="n"))
    assert [str(row["cost_reporting"]) for row in table.to_pylist()] == ["0.000", "0.020", "0.000", "-0.020"]


def test_a_long_invoice_adds_up_by_months() -> None:
    """18,000.00 over 109 days from the first of July."""
    table, _ = costs(spend("18000.00", starts_on=dt.date(2026, 7, 1), ends_on=dt.date(2026, 10, 17)))
    months: dict[int, Decimal] = {}
    for row in table.to_pylist():
        months[row["day"].month] = months.get(row["day"].month, Decimal(0)) + row["cost_reporting"]
    assert months == {7: Decimal("5119.27"), 8: Decimal("5119.26"), 9: Decimal("4954.13"), 10: Decimal("2807.34")}


def test_spends_of_one_day_add_up_and_campaigns_do_not() -> None:
    table, _ = costs(spend("1.00"), spend("2.00", 0, 1), spend("7.00", campaign_id="b"), spend("4.00", source="other"))
    assert by_day(table) == {("b", 0): 7, ("c", 0): 6, ("c", 1): 1}


def test_a_restated_spend_replaces_and_another_range_does_not() -> None:
    table, _ = costs(spend("1.00"), spend("2.00", revision=1), spend("3.00", occurred_at=NOON + STEP), spend("0.50", 0, 1))
    assert by_day(table) == {("c", 0): Decimal("2.25"), ("c", 1): Decimal("0.25")}


def test_a_spend_with_an_id_of_its_own_replaces_itself_alone() -> None:
    """Three devices of one day, one of them restated; the same id of another source is another spend."""
    devices = [spend(amount, spend_id=name) for name, amount in (("a", "36.15"), ("b", "24.57"), ("c", "3.00"))]
    assert by_day(costs(*devices)[0]) == {("c", 0): Decimal("63.72")}
    restated = spend("24.60", spend_id="b", revision=1)
    other = spend("1.00", spend_id="b", source="other")
    assert by_day(costs(*devices, restated, other, spend("5.00"))[0]) == {("c", 0): Decimal("69.75")}


def test_a_spend_with_an_id_may_change_its_campaign_and_its_days() -> None:
    table, _ = costs(spend("9.00", 0, 2, spend_id="x"), spend("4.00", 5, 6, spend_id="x", campaign_id="d", occurred_at=NOON + STEP))
    assert by_day(table) == {("d", 5): 2, ("d", 6): 2}


def named(campaign_id: str, same_as: str | None = None, channel: str = "email") -> dict[str, Any]:
    return {"campaign_id": campaign_id, "same_as": same_as, "channel": channel}


def test_costs_of_another_name_are_those_of_the_campaign() -> None:
    """0.004 and 0.004 make a cent together; the channel is that of the campaign that is named."""
    spends = (spend("0.004"), spend("0.004", campaign_id="utm"), spend("0.004", 1, campaign_id="utm", clicks=7))
    table, _ = costs(*spends, campaigns=[named("utm", "c", "paid"), named("c")])
    assert by_day(table) == {("c", 0): Decimal("0.01"), ("c", 1): Decimal("0")}
    assert [(row["channel"], row["clicks"]) for row in table.to_pylist()] == [("email", None), ("email", 7)]


def test_counts_are_spread_and_are_null_where_nobody_counted() -> None:
    table, _ = costs(spend("0", 0, 1, clicks=3, leads=0), spend("0", 1, 1, clicks=10, impressions=None))
    found = [(row["clicks"], row["leads"], row["impressions"]) for row in table.to_pylist()]
    assert found == [(2, 0, None), (11, 0, None)]


def test_counts_below_zero_cost_are_spread_like_others() -> None:
    table, _ = costs(spend("-1.00", 0, 1, clicks=3))
    assert [row["clicks"] for row in table.to_pylist()] == [2, 1]


def quote(number: int, rate: str, base: str = "EUR") -> dict[str, Any]:
    return {"base": base, "quote": "USD", "date": day(number), "rate": rate}


def test_every_day_has_its_own_rate() -> None:
    table, held = costs(spend("10.00", 0, 1, currency="EUR"), quotes=(quote(0, "1.1"), quote(1, "1.2")))
    assert (by_day(table), held.num_rows) == ({("c", 0): Decimal("5.50"), ("c", 1): Decimal("6.00")}, 0)


def test_days_are_converted_to_millionths() -> None:
    """1,000 JPY are 333.333334, .333333, .333333: 1.666667 each, and 1.67, 3.33, 5.00 together."""
    table, _ = costs(spend("1000", 0, 2, currency="JPY"), quotes=(quote(0, "0.005", "JPY"),))
    assert [str(row["cost_reporting"]) for row in table.to_pylist()] == ["1.670", "1.660", "1.670"]


def test_a_converted_day_is_rounded_half_to_even_in_millionths() -> None:
    """0.000001 and 0.000003 at one half: 0 and 0.000002. 2,501 of the first are nothing, of the second a cent."""
    half = (quote(0, "0.5"),)
    spends = [spend(amount, currency="EUR", spend_id=f"{amount}-{number}", campaign_id=amount) for amount in TINY for number in range(2501)]
    assert [str(row["cost_reporting"]) for row in costs(*spends, quotes=half)[0].to_pylist()] == ["0.000", "0.010"]


TINY = ("0.000001", "0.000003")


def test_a_rate_with_many_digits_is_exact() -> None:
    """Beyond 64 bits: 999,999,999,999.999999 × 1.000000000000000001 is 1,000,000,000,000.000000999…"""
    spends = spend("999999999999.999999", currency="EUR"), spend("-999999999999.99", campaign_id="d", currency="EUR")
    table, held = costs(*spends, quotes=(quote(0, "1.000000000000000001"),))
    assert by_day(table) == {("c", 0): Decimal("1000000000000.00"), ("d", 0): Decimal("-999999999999.99")}
    assert held.num_rows == 0


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


def test_the_id_of_a_held_spend_is_its_own() -> None:
    _, held = costs(spend("0.000001", currency="EUR", spend_id="x-1", campaign_id="utm"), campaigns=[named("utm", "c")])
    found = [(row["id"], row["campaign_id"], row["amount"], row["currency"]) for row in held.to_pylist()]
    assert found == [("s|x-1", "utm", Decimal("0.000001"), "EUR")]


THOUSAND = ({"base": "KWD", "quote": "USD", "date": MARCH, "rate": "1000"},)


def test_costs_of_a_campaign_that_add_up_to_too_much_are_all_held() -> None:
    """600 + 400 million million, one of them under another name and below zero; a dollar less is a cost."""
    big = spend("600000000000", currency="KWD"), spend("-400000000000", 1, currency="KWD", campaign_id="utm"), spend("1.00", 9)
    under = spend("600000000000", currency="KWD", campaign_id="u"), spend("-399999999999.999", currency="KWD", campaign_id="u", source="t")
    table, held = costs(*big, *under, quotes=THOUSAND, campaigns=[named("utm", "c")])
    assert by_day(table) == {("u", 0): Decimal(200_000_000_000_001)}
    found = sorted((row["id"], row["reason"], row["amount"]) for row in held.to_pylist())
    assert found == [
        ("s|c|2026-03-01|2026-03-01", "out_of_range", Decimal(600_000_000_000)),
        ("s|c|2026-03-10|2026-03-10", "out_of_range", Decimal(1)),
        ("s|utm|2026-03-02|2026-03-02", "out_of_range", Decimal(-400_000_000_000)),
    ]


def test_a_spend_without_a_rate_makes_no_campaign_too_large() -> None:
    spends = spend("600000000000", 0, currency="KWD"), spend("400000000000", 1, 20, currency="KWD"), spend("1.00", 9)
    table, held = costs(*spends, quotes=THOUSAND)
    assert by_day(table) == {("c", 0): Decimal(600_000_000_000_000), ("c", 9): 1}
    assert [(row["reason"], row["amount"]) for row in held.to_pylist()] == [("fx_missing", Decimal(400_000_000_000))]


def test_nothing_wraps_however_large() -> None:
    """18,447 parts of 10^15 or more: a sum of 64 bits would begin again just above zero. A neighbour is untouched."""
    enormous = ({"base": "KWD", "quote": "USD", "date": MARCH, "rate": "1000000000000"},)
    spends = [spend("999999999999", currency="KWD", spend_id=str(number)) for number in range(18_447)]
    table, held = costs(*spends, spend("1.00", campaign_id="d"), quotes=enormous)
    assert by_day(table) == {("d", 0): 1}
    assert (held.num_rows, set(held["reason"].to_pylist())) == (18_447, {"out_of_range"})


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


RATES = ("1.1", "0.0066667", "3", "0.333333333333333333333", "250000")
SPENDS = st.tuples(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(0, 3), st.integers(0, 40), st.sampled_from(["USD", "EUR"]))


def exact(spends: list[tuple[int, int, int, str]], rate: str, digits: int) -> dict[int, Decimal] | None:
    """Work the cost of each day out with fractions; None where it is too large."""
    parts: dict[int, list[int]] = {}
    for millionths, first, more, currency in spends:
        whole, odd = divmod(abs(millionths), more + 1)
        for number in range(more + 1):
            part = whole + (number < odd)
            converted = part if currency == "USD" else round(Fraction(part) * Fraction(rate))
            parts.setdefault(first + number, []).append(converted if millionths >= 0 else -converted)
    if sum(abs(part) for of_day in parts.values() for part in of_day) >= 10**21:
        return None
    result, total, before = {}, 0, 0
    for number in sorted(parts):
        total += sum(parts[number])
        now = round(Fraction(total * 10**digits, 10**6))
        result[number], before = Decimal(now - before).scaleb(-digits), now
    return result


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_every_day_is_the_exact_one(currency: str) -> None:
    """Amounts of any size, signs and ranges mixed, reported in currencies of two, no and three decimals."""

    @examples(25, of_profile=0.25)
    @given(st.lists(SPENDS, max_size=5), st.sampled_from(RATES))
    def check(spends: list[tuple[int, int, int, str]], rate: str) -> None:
        rows = [
            spend(f"{Decimal(amount).scaleb(-6):f}", first, first + more, currency="CHF" if own == "EUR" else currency, spend_id=str(n))
            for n, (amount, first, more, own) in enumerate(spends)
        ]
        quotes = tuple(quote(number, rate, "CHF") | {"quote": currency} for number in range(44))
        expected = exact(spends, rate, {"USD": 2, "JPY": 0, "KWD": 3}[currency])
        table, held = costs(*rows, quotes=quotes, currency=currency)
        assert {number: amount for (_, number), amount in by_day(table).items()} == (expected or {})
        assert held.num_rows == (len(rows) if expected is None else 0)

    check()
