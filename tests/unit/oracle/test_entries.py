"""The dated books of a deal (semantics §3, §6, §7), by hand: spells, currency runs, adjustments, and what is held."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Config, Reporting
from tests import oracle
from tests.oracle.entries import Deal, adjustments_of, converted, deals, entries, held_currencies, rate_of
from tests.oracle.money import rates
from tests.oracle.settled import instant
from tests.strategies import Event
from tests.unit.oracle.facts import CLOSE, at, deal, link, quote, refund, settled, touch

Made = list[tuple[str, str, int]]


def booked(*events: Event) -> tuple[Made, list[tuple[str, str, int | None]]]:
    """Return (kind, currency, minor units) of the deal's entries, and (id, reason, minor units) of what is held."""
    facts = settled(*events)
    (living,) = deals(facts)
    made, held = entries(living, adjustments_of(facts).get(living.id, []))
    assert [entry.number for entry in made] == list(range(1, len(made) + 1))
    return [(entry.entry, entry.currency, entry.amount) for entry in made], [(row.id, row.reason, row.amount) for row in held]


def states(*named: str) -> list[Event]:
    """Return states of the deal, a day apart, the last at its close: `won 100`, `open`, `lost`, `won 100 EUR`."""
    events = []
    for number, words in enumerate(named):
        status, *money = words.split()
        data: dict[str, Any] = {"status": status, "amount": None, "currency": None}
        if money:
            data |= {"amount": money[0], "currency": money[1] if len(money) > 1 else "USD"}
        events.append(deal(f"e{number}", len(named) - 1 - number, **data))
    return events


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (["won 100"], [("booking", 10_000)]),
        (["open 90", "won 100"], [("booking", 10_000)]),
        (["open 90"], [("pending", 9_000)]),
        (["open"], []),
        (["lost 90"], []),
        (["won 0"], [("booking", 0)]),
        (["won 100", "won 100"], [("booking", 10_000)]),
        (["won 100", "won 120"], [("booking", 10_000), ("amendment", 2_000)]),
        (["won 100", "won 99.99", "won 100"], [("booking", 10_000), ("amendment", -1), ("amendment", 1)]),
        (["won 100", "lost"], [("booking", 10_000), ("reversal", -10_000)]),
        (["won 100", "won 120", "open 50"], [("booking", 10_000), ("amendment", 2_000), ("reversal", -12_000), ("pending", 5_000)]),
        (["won 100", "open", "won 80"], [("booking", 10_000), ("reversal", -10_000), ("rebooking", 8_000)]),
        (
            ["won 1", "lost", "won 2", "lost", "won 3"],
            [("booking", 100), ("reversal", -100), ("rebooking", 200), ("reversal", -200), ("rebooking", 300)],
        ),
        (["lost", "won 5"], [("booking", 500)]),
    ],
    ids=str,
)
def test_histories(history: list[str], expected: list[tuple[str, int]]) -> None:
    made, held = booked(*states(*history))
    assert [(kind, amount) for kind, _, amount in made] == expected
    assert held == []


def test_another_currency_ends_a_run_and_begins_one() -> None:
    made, _ = booked(*states("won 100", "won 90 EUR", "won 95 EUR", "won 1000 JPY"))
    assert made == [
        ("booking", "USD", 10_000),
        ("reversal", "USD", -10_000),
        ("rebooking", "EUR", 9_000),
        ("amendment", "EUR", 500),
        ("reversal", "EUR", -9_500),
        ("rebooking", "JPY", 1_000),
    ]


def test_running_totals_are_kept_by_currency() -> None:
    facts = settled(*states("won 100", "won 90 EUR", "won 80"))
    made, _ = entries(deals(facts)[0], [])
    assert [(entry.currency, entry.cum) for entry in made] == [
        ("USD", 10_000),
        ("USD", 0),
        ("EUR", 9_000),
        ("EUR", 0),
        ("USD", 8_000),
    ]


def dates_of(*events: Event) -> list[tuple[str, int | None]]:
    made, _ = entries(deals(settled(*events))[0], [])
    return [(entry.entry, entry.booked_at) for entry in made]


def test_a_booking_is_dated_by_its_close_and_everything_else_by_its_own_moment() -> None:
    close, earlier = CLOSE.isoformat(), at(9)
    assert dates_of(deal("1", 3), deal("2", 2, amount="90.00"), deal("3", 1, status="open")) == [
        ("booking", instant(close)),
        ("amendment", instant(at(2))),
        ("reversal", instant(at(1))),
        ("pending", None),
    ]
    moved = dates_of(deal("1", 3), deal("2", 2, closed_at=earlier))
    assert moved == [("booking", instant(earlier))], "the last state of the run says when it closed"


def test_a_rebooking_is_dated_by_its_close_and_a_later_run_by_its_moment() -> None:
    again = at(-5)
    events = [deal("1", 4), deal("2", 3, status="lost"), deal("3", 2, closed_at=again), deal("4", 1, currency="EUR", closed_at=again)]
    assert dates_of(*events) == [
        ("booking", instant(CLOSE.isoformat())),
        ("reversal", instant(at(3))),
        ("rebooking", instant(again)),
        ("reversal", instant(at(1))),
        ("rebooking", instant(at(1))),
    ]


def test_states_are_taken_in_register_order_and_not_as_they_came() -> None:
    events = [deal("late", 9, amount="30.00", revision=2), deal("first", 1, amount="10.00"), deal("second", 5, amount="20.00", revision=1)]
    for order in (events, events[::-1]):
        assert [amount for *_, amount in booked(*order)[0]] == [1_000, 1_000, 1_000]


@pytest.mark.parametrize(
    ("refunds", "applied", "held"),
    [
        ([("a", "-40.00")], [-4_000], []),
        ([("a", "-100.00")], [-10_000], []),
        ([("a", "-100.01")], [], [("a", "over_refund", -10_001)]),
        ([("a", "25.00")], [2_500], []),
        ([("a", "-60.00"), ("b", "-60.00")], [-6_000], [("b", "over_refund", -6_000)]),
        ([("a", "-120.00"), ("b", "50.00"), ("c", "-150.00")], [5_000, -15_000], [("a", "over_refund", -12_000)]),
        ([("a", "0.00")], [0], []),
    ],
    ids=["partial", "full", "a cent too much", "true-up", "the second", "each in its turn", "of nothing"],
)
def test_adjustments(refunds: list[tuple[str, str]], applied: list[int], held: list[tuple[str, str, int]]) -> None:
    """Tried in the order of (`effective_at`, `adjustment_id`); one that would take the net below zero is held whole."""
    made, rest = booked(deal(), *(refund(name, amount) for name, amount in refunds))
    assert [amount for kind, _, amount in made if kind == "adjustment"] == applied
    assert rest == held


def test_adjustments_go_by_their_effect_before_their_id() -> None:
    made, held = booked(deal(), refund("a", "-120.00", effective=-5), refund("b", "50.00", effective=-4))
    assert ([amount for *_, amount in made[1:]], held) == ([5_000, -12_000], [])


def test_the_amount_that_counts_is_the_current_one() -> None:
    made, held = booked(deal("1", 2, amount="100.00"), deal("2", 1, amount="30.00"), refund("a", "-40.00"))
    assert [kind for kind, *_ in made] == ["booking", "amendment"]
    assert held == [("a", "over_refund", -4_000)]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([deal(status="open"), refund("a", "-1.00")], "not_won"),
        ([deal(status="lost"), refund("a", "-1.00")], "not_won"),
        ([deal(), refund("a", "-1.00", currency="EUR")], "currency_mismatch"),
        ([deal(status="lost"), refund("a", "-1.00", currency="EUR")], "not_won"),
        ([deal(), refund("a", "-500.00")], "over_refund"),
    ],
)
def test_why_an_adjustment_is_held(events: list[Event], reason: str) -> None:
    _, held = booked(*events)
    assert [why for _, why, _ in held] == [reason]


def test_a_corrected_adjustment_replaces_the_first() -> None:
    first, second = refund("a", "-10.00"), refund("a", "-20.00") | {"id": "z", "time": at(-2)}
    assert booked(deal(), first, second)[0][1:] == [("adjustment", "USD", -2_000)]


def test_an_adjustment_of_no_deal_is_held() -> None:
    (refused,) = entries(None, adjustments_of(settled(refund("a", "-1.00")))["d"])[1]
    assert (refused.kind, refused.id, refused.reason, refused.deal_id, refused.amount) == ("adjustment", "a", "unknown_deal", "d", -100)


def test_a_deal_deleted_in_the_end_is_no_deal_and_one_deleted_before_is() -> None:
    assert deals(settled(deal("1", 2), deal("2", 1, deleted=True))) == []
    (living,) = deals(settled(deal("1", 2, deleted=True), deal("2", 1)))
    assert len(living.states) == 2


EURO = Config(reporting=Reporting(currency="EUR"))


def the_deal(*events: Event) -> Deal:
    (living,) = deals(settled(*events))
    return living


@pytest.mark.parametrize(
    ("state", "expected"),
    [(deal(), "0.5"), (deal(status="lost"), "0.5"), (deal(changed=10, status="open"), "0.8"), (deal(closed_at=at(25)), None)],
    ids=["won: of the close", "lost: of the close", "open: of its state", "nothing within a week"],
)
def test_one_rate_for_a_deal(state: Event, expected: str | None) -> None:
    facts = settled(state, quote("2026-03-31", "USD", "EUR", "0.5"), quote("2026-03-20", "USD", "EUR", "0.8"))
    found = rate_of(deals(facts)[0], "USD", rates(facts, EURO), EURO)
    assert found == (None if expected is None else Fraction(expected))


@pytest.mark.parametrize(
    ("cum", "rate", "expected"),
    [
        (10_000, "0.5", 5_000),
        (1, "0.5", 0),
        (3, "0.5", 2),
        (-3, "0.5", -2),
        (10_000, None, None),
        (10**14, "1000", None),
        (10**14, "999", 99_900_000_000_000_000),
    ],
)
def test_running_totals_are_converted_half_to_even(cum: int, rate: str | None, expected: int | None) -> None:
    assert converted(cum, "USD", None if rate is None else Fraction(rate), EURO) == expected


def test_conversion_knows_the_decimals_of_both_currencies() -> None:
    yen = Config(reporting=Reporting(currency="JPY"))
    assert converted(10_050, "USD", Fraction(150), yen) == 15_075
    assert converted(15_075, "JPY", Fraction(1, 150), Config()) == 10_050
    assert converted(1_000, "KWD", Fraction(13, 4), Config()) == 325


def test_what_cannot_be_converted_is_held_by_currency() -> None:
    facts = settled(*states("won 100", "won 90 EUR"))
    living = deals(facts)[0]
    made, _ = entries(living, [])
    held = held_currencies(living, made, rates(facts, EURO), EURO)
    assert [(row.kind, row.id, row.reason, row.currency, row.amount) for row in held] == [("deal", "d", "fx_missing", "USD", 0)]


def test_a_total_of_ten_to_the_fifteen_is_out_of_range() -> None:
    facts = settled(deal(amount="999999999999.99"), quote("2026-03-31", "USD", "EUR", "2000"))
    living = deals(facts)[0]
    (row,) = held_currencies(living, entries(living, [])[0], rates(facts, EURO), EURO)
    assert (row.reason, row.amount) == ("out_of_range", 99_999_999_999_999)


def test_the_golden_reversal_leaves_every_touch_at_zero() -> None:
    """100.00 in thirds, amended to 99.99, then lost: 33.34/33.33/33.33; −0.01/0/0; −33.33 each."""
    touches = [touch(f"t{i}", 9 - i, account_id="a", campaign_id=f"c{i}") for i in range(3)]
    rows = oracle.fold([*touches, *states("won 100.00", "won 99.99", "lost")], Config())
    credits: dict[int, list[Decimal]] = {}
    for line in sorted(rows["credit_line"], key=lambda line: line["ordinal"]):
        if line["model"] == "linear":
            credits.setdefault(line["entry_no"], []).append(line["revenue"])
    assert credits == {
        1: [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")],
        2: [Decimal("-0.01"), 0, 0],
        3: [Decimal("-33.33")] * 3,
    }


def test_reporting_amounts_are_differences_of_converted_totals() -> None:
    """0.05 at 0.5 is 0.02 (half to even), 0.10 is 0.05: the amendment of 0.05 is worth 0.03, so that they add up."""
    rows = oracle.fold([*states("won 0.05", "won 0.10"), quote("2026-03-31", "USD", "EUR", "0.5")], EURO)
    assert [row["amount_reporting"] for row in rows["entry"]] == [Decimal("0.02"), Decimal("0.03")]
    (current,) = rows["deal"]
    assert current["amount_reporting"] == Decimal("0.05")


def test_a_deal_without_touches_is_unattributed() -> None:
    rows = oracle.fold([deal()], Config())
    lines = [(line["ordinal"], line["weight"], line["revenue"]) for line in rows["credit_line"]]
    assert lines == [(0, 1, Decimal(100))] * 15


def test_held_money_is_in_the_table_of_what_is_held() -> None:
    rows = oracle.fold([deal(), refund("a", "-1.00", deal_id="nowhere"), link("1", "person:p", "account:a")], EURO)
    assert [(row["kind"], row["id"], row["reason"], row["amount"]) for row in rows["held"]] == [
        ("deal", "d", "fx_missing", Decimal("100.000")),
        ("adjustment", "a", "unknown_deal", Decimal("-1.000")),
    ]
    assert {line["revenue_reporting"] for line in rows["credit_line"]} == {None}
    assert [entry["amount_reporting"] for entry in rows["entry"]] == [None]


def test_days_are_those_of_the_reporting_time_zone() -> None:
    """Midnight of 31 March in UTC is the evening of the 30th in New York."""
    rows = oracle.fold([deal(), touch("t", 9, account_id="a")], Config(reporting=Reporting(time_zone="America/New_York")))
    assert [row["booked_on"] for row in rows["entry"]] == [row["closed_on"] for row in rows["deal"]] == [dt.date(2026, 3, 30)]
    assert {row["touched_on"] for row in rows["journey_touch"]} == {dt.date(2026, 3, 21)}
