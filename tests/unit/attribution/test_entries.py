"""The dated entries of deals: spells, currency runs, rates, refunds and what is held (semantics §3, §6, §7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config, Reporting
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

DEAL = {"deal_id": "d", "account_id": "a", "opened_at": "2026-01-01T00:00:00Z"}


def state(day: str, status: str, amount: str | None, currency: str = "USD", closed: str | None = None, revision: int = 0) -> Event:
    data = DEAL | {"stage": status, "status": status, "revision": revision}
    data |= {} if amount is None else {"amount": amount, "currency": currency}
    data |= {} if status == "open" else {"closed_at": f"2026-{closed or day}T12:00:00Z"}
    return event("deal", "crm", f"e-{day}-{revision}", f"2026-{day}T12:00:00Z", data)


def refund(number: str, day: str, amount: str, currency: str = "USD") -> Event:
    data = {"adjustment_id": number, "deal_id": "d", "amount": amount, "currency": currency, "effective_at": f"2026-{day}T12:00:00Z"}
    return event("adjustment", "erp", number, f"2026-{day}T12:00:00Z", data)


def rate(day: str, base: str, quote: str, value: str) -> Event:
    data = {"date": f"2026-{day}", "base": base, "quote": quote, "rate": value}
    return event("fx", "bank", f"{base}{quote}{day}", f"2026-{day}T00:00:00Z", data)


def books(*events: Event, **reporting: Any) -> Rows:
    config = Config(reporting=Reporting(**reporting), attribution=Attribution(models=("linear",), default_model="linear"))
    return rows_of(fold(facts_of(events), config).tables())


def entries(rows: Rows) -> list[tuple[str, str | None, str, str | None]]:
    """Return (entry, day and month, amount and currency, amount in the reporting currency)."""
    ordered = sorted(rows["entry"], key=lambda row: row["entry_no"])
    return [
        (
            row["entry"],
            row["booked_on"] and f"{row['booked_on']:%m-%d}",
            f"{row['amount'].normalize():f} {row['currency']}",
            None if row["amount_reporting"] is None else f"{row['amount_reporting'].normalize():f}",
        )
        for row in ordered
    ]


def held(rows: Rows) -> list[tuple[str, str, str | None, str | None]]:
    return sorted(
        (row["id"], row["reason"], None if row["amount"] is None else f"{row['amount'].normalize():f}", row["currency"])
        for row in rows["held"]
    )


def test_what_was_booked_keeps_its_rate_and_a_rebooking_has_its_own() -> None:
    rows = books(
        rate("02-10", "EUR", "USD", "1.10"),
        rate("04-20", "EUR", "USD", "1.20"),
        state("02-10", "won", "900.00", "EUR"),
        state("03-03", "open", "900.00", "EUR"),
        state("04-20", "won", "900.00", "EUR"),
    )
    assert entries(rows) == [
        ("booking", "02-10", "900 EUR", "990"),
        ("reversal", "03-03", "-900 EUR", "-990"),
        ("rebooking", "04-20", "900 EUR", "1080"),
    ]
    assert (rows["deal"][0]["amount_reporting"], rows["held"]) == (Decimal(1080), [])


def test_a_corrected_currency_reverses_and_goes_on_at_the_time_of_the_correction() -> None:
    """The booking is dated by the close of the last state of the first run: the correction's own close is of the second run."""
    rows = books(
        rate("02-12", "EUR", "USD", "2"),
        state("02-10", "won", "50.00"),
        state("02-11", "won", "60.00", closed="02-09"),
        state("02-14", "won", "40.00", "EUR", closed="02-01"),
        state("02-15", "won", "41.00", "EUR", closed="02-01"),
        refund("r", "02-20", "-11.00", "EUR"),
    )
    assert entries(rows) == [
        ("booking", "02-09", "50 USD", "50"),
        ("amendment", "02-11", "10 USD", "10"),
        ("reversal", "02-14", "-60 USD", "-60"),
        ("rebooking", "02-14", "40 EUR", "80"),
        ("amendment", "02-15", "1 EUR", "2"),
        ("adjustment", "02-20", "-11 EUR", "-22"),
    ]


def test_one_run_without_a_rate_leaves_the_others_their_figures() -> None:
    rows = books(
        rate("04-20", "EUR", "USD", "1.20"),
        state("02-10", "won", "10.00", "EUR"),
        state("03-03", "lost", "9.00", "EUR"),
        state("04-20", "won", "20.00", "EUR"),
    )
    assert [(kind, reporting) for kind, _, _, reporting in entries(rows)] == [("booking", None), ("reversal", None), ("rebooking", "24")]
    assert held(rows) == [("d", "fx_missing", "20", "EUR")]
    assert {(row["entry_no"], row["revenue_reporting"]) for row in rows["credit_line"]} == {(1, None), (2, None), (3, Decimal(24))}


def test_pipeline_has_the_rate_of_its_states_time_and_a_lost_deal_that_of_its_close() -> None:
    rates = rate("02-10", "EUR", "USD", "2"), rate("03-10", "EUR", "USD", "3")
    pending = books(*rates, state("02-10", "won", "5.00", "EUR"), state("03-12", "open", "7.00", "EUR"))
    assert entries(pending)[2] == ("pending", None, "7 EUR", "21")
    assert pending["deal"][0]["amount_reporting"] == 21
    lost = books(*rates, state("03-12", "lost", "7.00", "EUR", closed="02-12"))
    assert (entries(lost), lost["deal"][0]["amount_reporting"]) == ([], 14)


@pytest.mark.parametrize(
    ("refunds", "applied", "missing"),
    [
        ([("a", "-120.00"), ("b", "-10.00")], ["-100", "0"], [("b", "over_refund", "30", "USD")]),
        ([("a", "-120.00"), ("b", "50.00")], ["-100", "30"], []),
        ([("a", "-120.00"), ("b", "5.00")], ["-100", "0"], [("a", "over_refund", "15", "USD")]),
        ([("a", "-100.00"), ("b", "0.00")], ["-100", "0"], []),
        ([("a", "-30.00"), ("b", "-70.00")], ["-30", "-70"], []),
    ],
)
def test_a_refund_never_takes_a_deal_below_zero(
    refunds: list[tuple[str, str]], applied: list[str], missing: list[tuple[str, str, str, str]]
) -> None:
    rows = books(state("02-10", "won", "100.00"), *(refund(number, "03-01", amount) for number, amount in refunds))
    assert [reporting for *_, reporting in entries(rows)] == ["100", *applied]
    assert held(rows) == missing


def test_a_refund_in_another_currency_is_converted_on_its_own_day() -> None:
    """1.05 dollars at 0.5 are 0.525 euros: half to even, 0.52; the run's rate of 2 makes 1.04 dollars of them."""
    won = rate("02-10", "EUR", "USD", "2"), state("02-10", "won", "10.00", "EUR"), refund("r", "04-01", "-1.05")
    assert entries(books(*won, rate("03-30", "USD", "EUR", "0.5")))[1] == ("adjustment", "04-01", "-0.52 EUR", "-1.04")
    without = books(*won, rate("03-24", "USD", "EUR", "0.5"))
    assert (len(entries(without)), held(without)) == (1, [("r", "fx_missing", "-1.05", "USD")])


def test_a_refund_between_two_foreign_currencies_goes_through_the_pivot() -> None:
    events = [
        state("02-10", "won", "1000", "JPY"),
        refund("r", "02-11", "-1.00", "GBP"),
        rate("02-10", "EUR", "GBP", "0.5"),
        rate("02-10", "EUR", "JPY", "150"),
        rate("02-10", "JPY", "USD", "0.01"),
    ]
    assert [amount for _, _, amount, _ in entries(books(*events))] == ["1000 JPY", "-300 JPY"]


def test_a_refund_that_is_nothing_once_converted_is_a_refund_all_the_same() -> None:
    """One dong is no cent; what is missing is still held under the latest refund."""
    events = [state("02-10", "won", "100.00"), rate("03-02", "VND", "USD", "0.00004")]
    rows = books(*events, refund("a", "03-01", "-150.00"), refund("b", "03-02", "-1", "VND"))
    assert [amount for _, _, amount, _ in entries(rows)] == ["100 USD", "-100 USD", "0 USD"]
    assert held(rows) == [("b", "over_refund", "50", "USD")]


@pytest.mark.parametrize(
    ("current", "reason"),
    [(state("02-20", "open", "5.00"), "not_won"), (state("02-20", "lost", None), "not_won"), (None, "no_amount")],
)
def test_why_a_refund_must_wait(current: Event | None, reason: str) -> None:
    """The first reason that holds: that no rate is known does not matter."""
    states = [state("02-10", "won", None)] if current is None else [state("02-10", "won", "9.00"), current]
    rows = books(*states, refund("r", "03-01", "-1.00", "GBP"))
    assert ("r", reason, "-1", "GBP") in held(rows)


def test_a_refund_of_no_deal_waits() -> None:
    assert held(books(refund("r", "03-01", "-1.00"))) == [("r", "unknown_deal", "-1", "USD")]


def test_an_adjustment_that_is_out_of_range_once_converted_is_held_itself() -> None:
    events = [state("02-10", "won", "5", "JPY"), rate("02-10", "USD", "JPY", "1000")]
    rows = books(*events, refund("r", "02-10", "999999999999.00"), refund("s", "02-10", "1000000000000.00"), currency="JPY")
    assert entries(rows) == [("booking", "02-10", "5 JPY", "5"), ("adjustment", "02-10", "999999999999000 JPY", "999999999999000")]
    assert held(rows) == [("s", "out_of_range", "1000000000000", "USD")]


@pytest.mark.parametrize(("more", "is_held"), [("0.99", False), ("1.00", True)])
def test_a_running_total_of_ten_to_the_fifteen_holds_its_deal(more: str, is_held: bool) -> None:
    rows = books(state("02-10", "won", "999999999999999.00"), refund("r", "02-11", more))
    assert held(rows) == ([("d", "out_of_range", "999999999999999", "USD")] if is_held else [])
    assert [reporting is None for *_, reporting in entries(rows)] == [is_held, is_held]
    assert [row["revenue"] for row in rows["credit_line"] if row["entry_no"] == 2] == [Decimal(more)]


def test_totals_beyond_64_bits_are_exact() -> None:
    """Twelve million millions of dinars, twelve times: 1.2 × 10^19 fils; all but one are given back."""
    most = "999999999999999.999"
    ups = [refund(f"u{number:02}", "02-11", most, "KWD") for number in range(12)]
    downs = [refund(f"v{number:02}", "02-12", f"-{most}", "KWD") for number in range(12)]
    rows = books(state("02-10", "won", "1.000", "KWD"), *ups, *downs, currency="KWD")
    assert [amount for _, _, amount, _ in entries(rows)] == ["1 KWD", *[f"{most} KWD"] * 12, *[f"-{most} KWD"] * 12]
    assert sum(row["revenue"] for row in rows["credit_line"]) == 1
    assert held(rows) == [("d", "out_of_range", "1", "KWD")]


def test_a_won_state_without_an_amount_has_that_of_its_spell() -> None:
    """The nearest earlier one goes before the nearest later one; another spell's does not count."""
    rows = books(
        state("02-01", "won", "70.00"),
        state("02-02", "open", "99.00"),
        state("02-10", "won", None),
        state("02-11", "won", "80.00"),
        state("02-12", "won", None),
        state("02-13", "won", "85.00"),
        state("02-14", "won", None),
    )
    assert [(kind, day, amount) for kind, day, amount, _ in entries(rows)] == [
        ("booking", "02-01", "70 USD"),
        ("reversal", "02-02", "-70 USD"),
        ("rebooking", "02-14", "80 USD"),
        ("amendment", "02-13", "5 USD"),
    ]
    deal = rows["deal"][0]
    assert (deal["amount"], deal["currency"], deal["amount_reporting"], rows["held"]) == (Decimal(85), "USD", Decimal(85), [])
    assert [row["amount"] for row in rows["deal_history"]].count(None) == 3


def test_a_spell_without_any_amount_is_held_while_it_is_the_current_one() -> None:
    blank = [state("02-10", "won", None), refund("r", "02-11", "-5.00", "EUR")]
    rows = books(*blank, currency="EUR")
    assert entries(rows) == [("booking", "02-10", "0 EUR", "0")]
    assert held(rows) == [("d", "no_amount", None, None), ("r", "no_amount", "-5", "EUR")]
    assert [rows["deal"][0][name] for name in ("status", "amount", "currency", "amount_reporting")] == ["won", None, None, None]
    again = books(
        blank[0], state("02-12", "open", "7.00"), state("02-13", "won", "8.00"), rate("02-13", "EUR", "USD", "0.5"), currency="EUR"
    )
    assert entries(again) == [
        ("booking", "02-10", "0 EUR", "0"),
        ("reversal", "02-12", "0 EUR", "0"),
        ("rebooking", "02-13", "8 USD", "16"),
    ]
    assert held(again) == []


def test_fixed_rates_need_no_date() -> None:
    rows = books(
        state("02-10", "won", "10.00", "EUR"), refund("r", "03-01", "-1.00"), fx_policy="fixed", fixed_rates={"EUR/USD": Decimal("1.25")}
    )
    assert entries(rows) == [("booking", "02-10", "10 EUR", "12.5"), ("adjustment", "03-01", "-0.8 EUR", "-1")]
