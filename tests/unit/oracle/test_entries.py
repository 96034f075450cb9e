"""The dated books of a deal (semantics §3, §6, §7), by hand: spells, currency runs and their rates, refunds, and what is held."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from nisba.config import Config, Reporting
from tests import oracle
from tests.oracle.entries import Deal, Entry, Held, adjustments_of, deals, entries, first_amount
from tests.oracle.money import rates
from tests.oracle.readied import readied
from tests.oracle.settled import instant
from tests.strategies import Event
from tests.unit.oracle.facts import CLOSE, at, deal, link, quote, refund, settled, touch

Made = list[tuple[str, str, int]]

USUAL = Config()


def kept(*events: Event, config: Config = USUAL) -> tuple[list[Entry], list[Held]]:
    """Return the entries of the only deal, and its held adjustments."""
    facts = readied(settled(*events), config)
    (living,) = deals(facts)
    made, held = entries(living, adjustments_of(facts).get(living.id, []), rates(facts, config), config)
    assert [entry.number for entry in made] == list(range(1, len(made) + 1))
    return made, held


def booked(*events: Event, config: Config = USUAL) -> tuple[Made, list[tuple[str, str, Any]]]:
    """Return (kind, currency, minor units) of the deal's entries, and (id, reason, amount) of what is held."""
    made, held = kept(*events, config=config)
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


def test_every_run_has_running_totals_of_its_own() -> None:
    made, _ = kept(*states("won 100", "won 90 EUR", "won 80"))
    assert [(entry.currency, entry.cum) for entry in made] == [
        ("USD", 10_000),
        ("USD", 0),
        ("EUR", 9_000),
        ("EUR", 0),
        ("USD", 8_000),
    ]


def dates_of(*events: Event) -> list[tuple[str, int | None]]:
    made, _ = kept(*events)
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
        ([("a", "-100.01")], [-10_000], [("a", "over_refund", Decimal("0.01"))]),
        ([("a", "25.00")], [2_500], []),
        ([("a", "-60.00"), ("b", "-60.00")], [-6_000, -4_000], [("b", "over_refund", Decimal(20))]),
        ([("a", "-120.00"), ("b", "-10.00")], [-10_000, 0], [("b", "over_refund", Decimal(30))]),
        ([("a", "-120.00"), ("b", "50.00")], [-10_000, 3_000], []),
        ([("a", "-120.00"), ("b", "50.00"), ("c", "-150.00")], [-10_000, 3_000, -3_000], [("c", "over_refund", Decimal(120))]),
        ([("a", "-120.00"), ("b", "5.00")], [-10_000, 0], [("a", "over_refund", Decimal(15))]),
        ([("a", "0.00")], [0], []),
    ],
    ids=[
        "partial",
        "full",
        "a cent too much",
        "true-up",
        "the second",
        "down to zero",
        "up again",
        "down, up, down",
        "held under the refund",
        "of nothing",
    ],
)
def test_refunds_stop_at_zero(refunds: list[tuple[str, str]], applied: list[int], held: list[tuple[str, str, Decimal]]) -> None:
    """Tried in the order of (`effective_at`, `adjustment_id`); what is below zero in the end is held."""
    made, rest = booked(deal(), *(refund(name, amount) for name, amount in refunds))
    assert [amount for kind, _, amount in made if kind == "adjustment"] == applied
    assert rest == held


def test_adjustments_go_by_their_effect_before_their_id() -> None:
    made, held = booked(deal(), refund("a", "-120.00", effective=-4), refund("b", "50.00", effective=-5))
    assert ([amount for *_, amount in made[1:]], held) == ([-10_000, 3_000], [])
    made, held = booked(deal(), refund("a", "-120.00", effective=-5), refund("b", "50.00", effective=-4))
    assert ([amount for *_, amount in made[1:]], held) == ([5_000, -12_000], [])


def test_the_amount_that_counts_is_the_current_one() -> None:
    made, held = booked(deal("1", 2, amount="100.00"), deal("2", 1, amount="30.00"), refund("a", "-40.00"))
    assert made == [("booking", "USD", 10_000), ("amendment", "USD", -7_000), ("adjustment", "USD", -3_000)]
    assert held == [("a", "over_refund", 10)]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([deal(status="open"), refund("a", "-1.00")], "not_won"),
        ([deal(status="lost"), refund("a", "-1.00")], "not_won"),
        ([deal(), refund("a", "-1.00", currency="EUR")], "fx_missing"),
        ([deal(status="lost"), refund("a", "-1.00", currency="EUR")], "not_won"),
        ([deal(amount=None, currency=None), refund("a", "-1.00")], "no_amount"),
        ([deal(amount=None, currency=None), refund("a", "-1.00", currency="EUR")], "no_amount"),
        ([deal(), refund("a", "-999999999999999", currency="EUR"), quote("2026-04-01", "EUR", "USD", "1.1")], "out_of_range"),
        ([deal(), refund("a", "-500.00")], "over_refund"),
    ],
)
def test_why_an_adjustment_is_held(events: list[Event], reason: str) -> None:
    _, held = booked(*events)
    assert [why for _, why, _ in held] == [reason]


def test_a_refund_in_the_currency_of_the_card_is_converted_at_its_own_day() -> None:
    """30.00 EUR on a day of 1.105 are 33.15 dollars; one day earlier they would have been 33.00."""
    quotes = [quote("2026-03-31", "EUR", "USD", "1.10"), quote("2026-04-01", "EUR", "USD", "1.105")]
    made, held = kept(deal(), refund("a", "-30.00", currency="EUR"), *quotes)
    assert [(entry.entry, entry.currency, entry.amount, entry.cum) for entry in made[1:]] == [("adjustment", "USD", -3_315, 6_685)]
    assert held == []
    half_a_cent = [refund("a", "-0.05", currency="EUR"), quote("2026-04-01", "EUR", "USD", "0.5")]
    assert booked(deal(), *half_a_cent)[0][1:] == [("adjustment", "USD", -2)], "2.5 cents, half to even"


def test_what_is_held_is_not_in_the_sum() -> None:
    made, held = booked(deal(), refund("a", "-90.00", currency="EUR"), refund("b", "-20.00"))
    assert made[1:] == [("adjustment", "USD", -2_000)]
    assert held == [("a", "fx_missing", Decimal("-90.00"))]


def test_a_corrected_adjustment_replaces_the_first() -> None:
    first, second = refund("a", "-10.00"), refund("a", "-20.00") | {"id": "z", "time": at(-2)}
    assert booked(deal(), first, second)[0][1:] == [("adjustment", "USD", -2_000)]


def test_an_adjustment_of_no_deal_is_held() -> None:
    rows = oracle.fold([refund("a", "-1.00", currency="EUR")], Config())
    (refused,) = rows["held"]
    assert (refused["kind"], refused["id"], refused["reason"], refused["deal_id"]) == ("adjustment", "a", "unknown_deal", "d")
    assert (refused["amount"], refused["currency"]) == (-1, "EUR")


def test_a_deal_deleted_in_the_end_is_no_deal_and_one_deleted_before_is() -> None:
    assert deals(settled(deal("1", 2), deal("2", 1, deleted=True))) == []
    (living,) = deals(settled(deal("1", 2, deleted=True), deal("2", 1)))
    assert len(living.states) == 2


EURO = Config(reporting=Reporting(currency="EUR"))
WITHOUT: dict[str, Any] = {"amount": None, "currency": None}


def the_deal(*events: Event) -> Deal:
    (living,) = deals(settled(*events))
    return living


def test_a_won_state_without_an_amount_has_that_of_its_spell() -> None:
    """The nearest earlier one of the spell, else the nearest later one; nothing of before the spell."""
    assert booked(*states("won 100", "won"))[0] == [("booking", "USD", 10_000)]
    assert booked(*states("won", "won 90 EUR", "won"))[0] == [("booking", "EUR", 9_000)]
    assert booked(*states("won", "won 80", "won", "won 70", "won"))[0] == [("booking", "USD", 8_000), ("amendment", "USD", -1_000)]
    assert booked(*states("open 50", "won", "won 60"))[0] == [("booking", "USD", 6_000)]
    assert the_deal(*states("won 100", "won")).money() == (10_000, "USD")


def test_a_spell_without_any_amount_is_nothing_in_the_reporting_currency() -> None:
    rows = oracle.fold(states("open 50", "won", "won"), EURO)
    assert [(row["entry"], row["currency"], row["amount"], row["amount_reporting"]) for row in rows["entry"]] == [("booking", "EUR", 0, 0)]
    (held,) = rows["held"]
    assert (held["kind"], held["id"], held["reason"], held["amount"], held["currency"]) == ("deal", "d", "no_amount", None, None)
    (current,) = rows["deal"]
    assert (current["amount"], current["currency"], current["amount_reporting"]) == (None, None, None)


def test_a_spell_without_an_amount_that_has_ended_holds_nothing() -> None:
    rows = oracle.fold(states("won", "lost", "won 10"), Config())
    assert [(row["entry"], row["amount"]) for row in rows["entry"]] == [("booking", 0), ("reversal", 0), ("rebooking", 10)]
    assert rows["held"] == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (deal(), "50.00"),
        (deal(status="lost"), "50.00"),
        (deal(changed=10, status="open"), "80.00"),
        (deal(closed_at=at(25)), None),
        (deal(closed_at=None, closed_on="2026-03-30"), "60.00"),
        (deal(status="open", **WITHOUT), None),
    ],
    ids=["won: of the close", "lost: of the close", "open: of its state", "nothing within a week", "of a day", "no amount"],
)
def test_what_a_deal_is_worth(state: Event, expected: str | None) -> None:
    quotes = [quote("2026-03-31", "USD", "EUR", "0.5"), quote("2026-03-30", "USD", "EUR", "0.6"), quote("2026-03-20", "USD", "EUR", "0.8")]
    (found,) = oracle.fold([state, *quotes], EURO)["deal"]
    assert found["amount_reporting"] == (None if expected is None else Decimal(expected))


QUOTES = [quote(f"2026-03-{day}", "EUR", "USD", rate) for day, rate in ((26, "1.10"), (28, "1.20"), (30, "1.30"), (31, "1.40"))]


def in_dollars(*events: Event) -> list[tuple[str, Any]]:
    rows = oracle.fold([*events, *QUOTES], Config())
    return [(row["entry"], row["amount_reporting"]) for row in rows["entry"]]


def euro(event_id: str, changed: float, amount: str = "900.00", **data: Any) -> Event:
    return deal(event_id, changed, amount=amount, currency="EUR", **data)


def test_reopened_and_won_again_has_the_rate_of_its_second_close() -> None:
    first, again = euro("1", 5, closed_at=at(5)), euro("3", 3, closed_at=at(3))
    assert in_dollars(first, euro("2", 4, status="lost"), again) == [("booking", 990), ("reversal", -990), ("rebooking", 1_080)]


def test_a_run_keeps_its_rate_whatever_happens_to_it() -> None:
    """An amendment and a refund on later days have the rate of the booking."""
    events = [euro("1", 5, closed_at=at(5)), euro("2", 3, "1000.00", closed_at=at(5)), refund("a", "-100.00", effective=1, currency="EUR")]
    assert in_dollars(*events) == [("booking", 990), ("amendment", 110), ("adjustment", -110)]


def test_a_later_run_of_a_spell_has_the_rate_of_its_own_state() -> None:
    events = [deal("1", 5, closed_at=at(5)), euro("2", 3, closed_at=at(5)), euro("3", 1, "1000.00", closed_at=at(5))]
    assert in_dollars(*events) == [("booking", 100), ("reversal", -100), ("rebooking", 1_080), ("amendment", 120)]


def test_a_pending_entry_has_the_rate_of_its_state() -> None:
    assert in_dollars(euro("1", 5, status="open", closed_at=at(-90))) == [("pending", 990)]


def test_a_corrected_close_moves_the_booking_and_its_rate() -> None:
    assert in_dollars(euro("1", 5, closed_at=at(5)), euro("2", 1, closed_at=at(3))) == [("booking", 1_080)]


def test_only_the_run_without_a_rate_is_unknown() -> None:
    rows = oracle.fold([deal("1", 5, currency="GBP", closed_at=at(5)), euro("2", 3, closed_at=at(5)), *QUOTES], Config())
    assert [(row["currency"], row["amount_reporting"]) for row in rows["entry"]] == [("GBP", None), ("GBP", None), ("EUR", 1_080)]
    (held,) = rows["held"]
    assert (held["id"], held["reason"], held["currency"], held["amount"]) == ("d", "fx_missing", "EUR", 900), "what it is worth now"


def test_a_total_of_ten_to_the_fifteen_is_out_of_range() -> None:
    """A converted one, one of its own, and both at once where the rate is not there."""
    large = deal(amount="999999999999.99")
    assert reasons(large, quote("2026-03-31", "USD", "EUR", "2000"), config=EURO) == [("d", "out_of_range", Decimal("999999999999.99"))]
    grown = [deal(amount="999999999999999.99"), refund("a", "0.01")]
    assert reasons(*grown) == [("d", "out_of_range", Decimal("999999999999999.99"))]
    assert [reason for _, reason, _ in reasons(*grown, config=EURO)] == ["fx_missing", "out_of_range"]
    rows = oracle.fold(grown, Config())
    assert [row["amount_reporting"] for row in rows["entry"]] == [None, None]
    assert [row["amount"] for row in rows["entry"]] == [Decimal("999999999999999.99"), Decimal("0.01")]


def reasons(*events: Event, config: Config = USUAL) -> list[tuple[str, str, Decimal | None]]:
    return sorted((row["id"], row["reason"], row["amount"]) for row in oracle.fold(events, config)["held"])


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (["open", "open 50 EUR", "won 80"], (5_000, "EUR")),
        (["open 0", "open 50"], (5_000, "USD")),
        (["open 0 EUR", "lost 0"], (0, "EUR")),
        (["open", "won"], None),
        (["lost 7"], (700, "USD")),
    ],
)
def test_the_first_amount_of_a_deal(history: list[str], expected: tuple[int, str] | None) -> None:
    assert first_amount(the_deal(*states(*history))) == expected


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
