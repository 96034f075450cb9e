"""What sales improvises and how it keeps the CRM (figures §3, §4), worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from nisba.agreements import (
    Adherence,
    BackdatedRule,
    DiscountRule,
    Exceptions,
    PushedRule,
    QuarterEndRule,
    RefundRule,
    Rule,
    SalesProcess,
    StaleRule,
)
from nisba.config import Attribution, Config, Labels, Reporting
from tests.oracle.levels.adherence import crm_adherence, crm_adherence_failure
from tests.oracle.levels.exceptions import exception_cost, sales_exception
from tests.oracle.levels.passes import passes
from tests.oracle.levels.sla import lead_sla
from tests.oracle.levels.world import world
from tests.oracle.settled import moment
from tests.strategies import Event, event
from tests.unit.oracle.facts import quote
from tests.unit.oracle.lead_facts import PLAIN, at, deal, lead, only, touch

Rows = list[dict[str, Any]]

STAGED = Config(sales_process=SalesProcess(stages=("Discovery", "Proposal", "Negotiation")), exceptions=Exceptions())


def rows(*events: Event, config: Config = PLAIN) -> Rows:
    """Return the exceptions of events."""
    one = world(events, config)
    return sales_exception(one, passes(one))


def found(rule: str, *events: Event, config: Config = PLAIN) -> list[tuple[str, str]]:
    """Return the exceptions of a rule: when each happened, and the event that shows it."""
    return [(f"{row['occurred_at']:%-d %H:%M}", row["event_id"]) for row in rows(*events, config=config) if row["rule"] == rule]


def worth(amount: str, currency: str = "USD") -> dict[str, str]:
    """Return an amount as an event says it."""
    return {"amount": amount, "currency": currency}


def opened(stage: str, changed: str, deal_id: str = "d", **data: Any) -> Event:
    """Return an open state of a deal of 1 March."""
    return deal(deal_id, "1", None, "open", changed, stage=stage, **data)


def refund(when: str, amount: str = "-10.00", **data: Any) -> Event:
    """Return a refund of the deal `d`."""
    usual = {"adjustment_id": f"r/{when}", "deal_id": "d", "amount": amount, "currency": "USD", "effective_at": at(when)}
    return event("adjustment", "erp", f"r/{when}", at(when), usual | data)


# Stages


def stages(*names: str, config: Config = STAGED) -> list[str]:
    """Return the rules that a deal breaks that was in these stages on days 2, 3, …; `won` and `lost` close it."""
    events = [
        deal("d", "1", f"{day}", name, f"{day}") if name in ("won", "lost") else opened(name, f"{day}") for day, name in enumerate(names, 2)
    ]
    return [f"{row['rule'][6:]} {row['occurred_at']:%-d}" for row in rows(*events, config=config) if row["rule"].startswith("stage")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("discovery", "proposal", "negotiation", "won"), []),
        (("negotiation",), []),  # an import begins anywhere
        (("won",), []),
        (("discovery", "negotiation"), ["skipped 3"]),
        (("discovery", "won"), ["skipped 3"]),
        (("proposal", "won"), ["skipped 3"]),
        (("negotiation", "won"), []),
        (("discovery", "elsewhere", "proposal"), []),  # passed over
        (("elsewhere", "negotiation"), []),
        (("discovery", "elsewhere", "negotiation"), ["skipped 4"]),
        (("discovery", "lost", "negotiation"), ["skipped 4"]),
        (("discovery", "lost"), []),
        (("discovery", " DISCOVERY ", "Proposal"), []),
        (("proposal", "discovery"), ["reverted 3"]),
        (("negotiation", "lost", "discovery"), ["reverted 4"]),
        (("negotiation", "won", "discovery"), []),  # reopened, which is another rule
        (("negotiation", "won", "discovery", "won"), ["skipped 5"]),
        (("won", "negotiation", "proposal"), ["reverted 4"]),
        (("proposal", "discovery", "negotiation", "discovery"), ["skipped 4", "reverted 3", "reverted 5"]),
        (("proposal", "proposal"), []),
        (("won", "won"), []),
    ],
)
def test_stages_of_a_deal(names: tuple[str, ...], expected: list[str]) -> None:
    assert stages(*names) == expected


def test_no_declared_stages_no_rules_of_stages() -> None:
    assert stages("discovery", "negotiation", "discovery", "won", config=PLAIN) == []


def test_stages_are_those_of_the_firm() -> None:
    renamed = replace(STAGED, labels=Labels(stage={"qualified": "Discovery", "negotiation": "haggling"}))
    assert stages("qualified", "proposal", config=renamed) == []
    assert stages("qualified", "negotiation", "won", config=renamed) == ["skipped 4"]  # haggling is nowhere


def test_states_are_ranked_in_register_order() -> None:
    late = opened("proposal", "9", revision=1)  # written last, revised before the third
    assert found("stage_skipped", opened("discovery", "2"), late, opened("negotiation", "3", revision=2), config=STAGED) == []
    plain = opened("discovery", "2"), opened("negotiation", "3"), opened("proposal", "9")
    assert found("stage_skipped", *plain, config=STAGED) == [("3 12:00", "d/open/3")]


# Closes


@pytest.mark.parametrize(
    ("closed", "changed", "days", "expected"),
    [
        ("2 12:00", "5 12:00", 3, False),
        ("2 12:00", "5 12:00:00.000001", 3, True),
        ("2 12:00", "2 12:00", 0, False),
        ("2 12:00", "2 12:00:00.000001", 0, True),
        ("9", "5", 0, False),
    ],
)
@pytest.mark.parametrize("status", ["won", "lost"])
def test_a_close_is_said_days_later(closed: str, changed: str, days: int, expected: bool, status: str) -> None:
    config = Config(exceptions=Exceptions(closed_backdated=BackdatedRule(days=days)))
    events = opened("s", "1"), deal("d", "1", closed, status, changed)
    assert (
        found("closed_backdated", *events, config=config)
        == [(f"{5 if changed[0] == '5' else 2} 12:00", f"d/{status}/{changed}")][:expected]
    )


def test_only_a_state_that_begins_a_spell_is_backdated() -> None:
    first = deal("d", "1", "2", "won", "20")
    assert found("closed_backdated", first) == []  # an import
    assert found("closed_backdated", opened("s", "1"), deal("d", "1", "2", "won", "3"), deal("d", "1", "2", "won", "20")) == []
    lost = deal("d", "1", "2", "lost", "20")
    assert found("closed_backdated", deal("d", "1", "2", "won", "3"), lost) == [("20 12:00", "d/lost/20")]
    again = deal("d", "1", "2", "won", "25")
    assert found("closed_backdated", deal("d", "1", "2", "won", "3"), lost, again) == [("20 12:00", "d/lost/20"), ("25 12:00", "d/won/25")]


def test_a_deal_closed_before_it_was_opened() -> None:
    rule = "closed_before_opened"
    assert found(rule, deal("d", "3", "2", "won", "9")) == [("2 12:00", "d/won/9")]
    assert found(rule, deal("d", "3", "2", "lost", "9")) == [("2 12:00", "d/lost/9")]
    assert found(rule, deal("d", "3", "3", "won", "9")) == []
    assert found(rule, deal("d", "3", "2", "open", "9")) == []
    assert found(rule, deal("d", "3", "2", "won", "8"), deal("d", "1", "2", "won", "9")) == []  # put right


def test_an_amount_that_changes_after_the_close() -> None:
    events = deal("d", "1", "2", **worth("100.00")), deal("d", "1", "2", "won", "5", **worth("90.00"))
    (row,) = [row for row in rows(*events) if row["rule"] == "amount_changed_after_close"]
    assert (row["occurred_on"], row["event_id"], row["money_at_risk"]) == (dt.date(2026, 3, 5), "d/won/5", Decimal(10))
    assert found("amount_changed_after_close", *events[:1], deal("d", "1", "2", "won", "5", **worth("100.00"))) == []
    raised = [
        row for row in rows(*events, deal("d", "1", "2", "won", "6", **worth("95.00"))) if row["rule"] == "amount_changed_after_close"
    ]
    assert [row["money_at_risk"] for row in raised] == [10, 5]


def test_an_amendment_without_a_rate_is_of_unknown_money() -> None:
    events = deal("d", "1", "2", **worth("100.00", "EUR")), deal("d", "1", "2", "won", "5", **worth("90.00", "EUR"))
    assert only(rows(*events), rule="amount_changed_after_close")["money_at_risk"] is None
    rated = quote("2026-03-02", "EUR", "USD", "1.10")  # that of the run, not of the day of the amendment
    assert only(rows(*events, rated), rule="amount_changed_after_close")["money_at_risk"] == 11


def test_a_deal_reopened() -> None:
    won, opened_again = deal("d", "1", "2", **worth("100.00")), opened("s", "5")
    (row,) = [row for row in rows(won, opened_again) if row["rule"] == "reopened"]
    assert (row["occurred_on"], row["event_id"], row["money_at_risk"]) == (dt.date(2026, 3, 5), "d/open/5", Decimal(100))
    assert found("reopened", won, deal("d", "1", "4", "lost", "5")) == [("5 12:00", "d/lost/5")]
    another_currency = deal("d", "1", "2", "won", "5", **worth("90.00", "EUR"))
    assert found("reopened", won, another_currency) == []  # its run ends, the spell goes on
    assert found("reopened", won, another_currency, opened("s", "6")) == [("6 12:00", "d/open/6")]


# Money given away


@pytest.mark.parametrize(
    ("listed", "amount", "max_pct", "at_risk"),
    [
        ("100.00", "85.00", "15", None),
        ("100.00", "84.99", "15", "0.01"),
        ("117.65", "100.00", "15", "0.00"),  # 100.0025 is the least: 0.0025 is nothing, and yet too much
        ("117.67", "100.00", "15", "0.02"),  # 0.0195
        ("100.10", "50.00", "15", "35.08"),  # 35.085 goes to the even cent
        ("100.00", "99.99", "0", "0.01"),
        ("100.00", "99.50", "0.5", None),
        ("0", "0", "15", None),
        (None, "1.00", "15", None),
        ("100.00", "0", "15", "85.00"),
        ("100.00", "0", "100", None),
    ],
)
def test_discounts(listed: str | None, amount: str, max_pct: str, at_risk: str | None) -> None:
    config = Config(exceptions=Exceptions(discount=DiscountRule(max_pct=Decimal(max_pct))))
    made = [row for row in rows(deal("d", "1", "2", **worth(amount), list_amount=listed), config=config) if row["rule"] == "discount"]
    assert [row["money_at_risk"] for row in made] == ([] if at_risk is None else [Decimal(at_risk)])


def test_a_discount_is_of_deals_won_now() -> None:
    low = {**worth("50.00"), "list_amount": "100.00"}
    assert found("discount", deal("d", "1", "2", "won", "9", **low)) == [("2 12:00", "d/won/9")]
    assert found("discount", deal("d", "1", "2", "lost", "9", **low)) == []
    assert found("discount", deal("d", "1", "2", "won", "8", **low), deal("d", "1", "2", "won", "9", **worth("50.00"))) == []


def test_a_discount_has_the_rate_of_the_deal() -> None:
    low = deal("d", "1", "2", "won", "9", **worth("50.00", "EUR"), list_amount="100.01")
    assert only(rows(low), rule="discount")["money_at_risk"] is None
    rated = quote("2026-03-02", "EUR", "USD", "1.1"), quote("2026-03-09", "EUR", "USD", "2")
    assert only(rows(low, *rated), rule="discount")["money_at_risk"] == Decimal("38.51")  # 35.0085 × 1.1 = 38.50935, rounded once


def test_a_discount_needs_an_amount_in_the_currency_of_the_list() -> None:
    priced = deal("d", "1", "2", "won", "9", list_amount="100.00", currency="USD")
    assert found("discount", priced) == []
    assert found("discount", deal("d", "1", "2", "won", "8", **worth("50.00")), priced) == [("2 12:00", "d/won/9")]
    assert found("discount", deal("d", "1", "2", "won", "8", **worth("50.00", "EUR")), priced) == []


@pytest.mark.parametrize(
    ("when", "days", "expected"),
    [
        ("2 12:00", 0, True),
        ("2 12:00:00.000001", 0, False),
        ("5 12:00", 3, True),
        ("5 12:00:00.000001", 3, False),
        ("1", 90, False),  # before anything was booked
    ],
)
def test_refunds_soon_after_the_booking(when: str, days: int, expected: bool) -> None:
    config = Config(exceptions=Exceptions(refund=RefundRule(days=days)))
    found_events = [name for _, name in found("refund", deal("d", "1", "2", **worth("100.00")), refund(when), config=config)]
    assert found_events == [f"r/{when}"][:expected]


def test_a_refund_is_after_the_latest_booking() -> None:
    won, back, again = deal("d", "1", "2", **worth("100.00")), opened("s", "5"), deal("d", "1", "20", **worth("80.00"))
    config = Config(exceptions=Exceptions(refund=RefundRule(days=3)))
    assert found("refund", won, back, again, refund("22"), config=config) == [("22 12:00", "r/22")]
    assert found("refund", won, back, again, refund("6"), config=config) == []  # the latest at or before is of the second
    assert found("refund", won, back, again, refund("4"), config=config) == [("4 12:00", "r/4")]


def test_what_a_refund_takes() -> None:
    won = deal("d", "1", "2", **worth("100.00"))
    assert only(rows(won, refund("3", "-120.00")), rule="refund")["money_at_risk"] == 100  # never below zero
    both = [row["money_at_risk"] for row in rows(won, refund("3", "-120.00"), refund("4", "-10.00")) if row["rule"] == "refund"]
    assert both == [100]  # the second takes nothing
    assert found("refund", won, refund("3", "10.00")) == []
    assert found("refund", deal("d", "1", "2", "lost", **worth("100.00")), refund("3")) == []


# People and reasons


@pytest.mark.parametrize(
    ("status", "data", "expected"),
    [
        ("won", {}, True),
        ("won", {"contact_ids": []}, True),
        ("won", {"primary_contact_id": ""}, True),
        ("won", {"contact_ids": ["p"]}, False),
        ("won", {"primary_contact_id": "p"}, False),
        ("lost", {}, False),
        ("open", {}, False),
    ],
)
def test_deals_won_without_contacts(status: str, data: dict[str, Any], expected: bool) -> None:
    assert found("no_contact", deal("d", "1", "2", status, "9", **data)) == [("2 12:00", "d/won/9")][:expected]


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [("lost", None, True), ("lost", " ", True), ("lost", "all", True), ("lost", "price", False), ("won", None, False)],
)
def test_deals_lost_without_a_reason(status: str, reason: str | None, expected: bool) -> None:
    assert found("no_loss_reason", deal("d", "1", "2", status, "9", loss_reason=reason)) == [("2 12:00", "d/lost/9")][:expected]


def expecting(changed: str, closes: str | None) -> Event:
    """Return an open state that expects a close."""
    return deal("d", "1", closes, "open", changed)


def test_a_deal_that_is_pushed() -> None:
    two = [expecting("2", "10"), expecting("3", "11"), expecting("4", "12")]
    config = Config(exceptions=Exceptions(pushed=PushedRule(times=2)))
    assert found("pushed", *two) == []
    assert found("pushed", *two, config=config) == [("4 12:00", "d/open/4")]
    assert found("pushed", *two, expecting("5", "12 12:00:00.000001")) == [("5 12:00", "d/open/5")]
    assert found("pushed", *two, expecting("5", "12")) == []  # the same is no push
    assert found("pushed", *two, expecting("5", None), expecting("6", "13")) == [("6 12:00", "d/open/6")]
    assert found("pushed", *two, expecting("5", "1"), expecting("6", "2")) == [("6 12:00", "d/open/6")]  # later than the one before
    assert found("pushed", *two, deal("d", "1", "20", "lost", "5"), expecting("6", "13")) == [("6 12:00", "d/open/6")]
    assert found("pushed", *two, *(expecting(f"{day}", f"{day + 9}") for day in (5, 6, 7))) == [("5 12:00", "d/open/5")]  # once


@pytest.mark.parametrize(
    ("opened_at", "days", "start_month", "expected"),
    [
        ("27 00:00", 5, 1, True),  # 27, 28, 29, 30, 31 March
        ("26 23:59:59.999999", 5, 1, False),
        ("31", 1, 1, True),
        ("31", 0, 1, False),
        ("2026-04-01 00:00", 5, 1, False),
        ("27", 5, 2, False),  # quarters end in April
        ("2026-04-26", 5, 2, True),
    ],
)
def test_deals_opened_at_the_end_of_a_quarter(opened_at: str, days: int, start_month: int, expected: bool) -> None:
    config = Config(reporting=Reporting(fiscal_year_start_month=start_month), exceptions=Exceptions(quarter_end=QuarterEndRule(days=days)))
    lost = deal("d", opened_at, "2026-04-30", "lost", event_id="e")
    assert len(found("quarter_end", lost, config=config)) == expected


def test_only_lost_deals_are_of_the_end_of_a_quarter() -> None:
    assert found("quarter_end", deal("d", "30", "31", "won")) == []
    assert found("quarter_end", deal("d", "30", None, "open")) == []
    assert found("quarter_end", deal("d", "30", "30 13:00", "lost", "31")) == [("30 13:00", "d/lost/31")]
    assert found("quarter_end", deal("d", "2026-04-02", "31", "lost", "31")) == [("31 12:00", "d/lost/31")]  # it opened when it closed


# Stale deals


def stale(*events: Event, now: str = "12", factor: str = "2", min_won: int = 1, **attribution: Any) -> list[tuple[str, str]]:
    """Return the stale deals at an instant."""
    as_of = dt.datetime.fromisoformat(at(now).replace("Z", "+00:00"))
    rule = StaleRule(factor=Decimal(factor), min_won=min_won)
    config = Config(reporting=Reporting(as_of=as_of), exceptions=Exceptions(stale=rule), attribution=Attribution(**attribution))
    return found("stale", *events, config=config)


TWO_DAYS = deal("w", "1", "3", account_id="w")


def test_deals_that_nobody_touches() -> None:
    quiet = opened("s", "8")
    assert stale(TWO_DAYS, quiet, now="12 12:00") == []  # twice two days, no more
    assert stale(TWO_DAYS, quiet, now="12 12:00:00.000001") == [("12 12:00", "d/open/8")]
    assert stale(TWO_DAYS, quiet, now="10 12:00:00.000001", factor="1") == [("10 12:00", "d/open/8")]
    assert stale(quiet, now="30") == []  # nobody knows how long a deal takes
    assert stale(TWO_DAYS, quiet, now="30", min_won=2) == []
    assert stale(TWO_DAYS, quiet, now="7") == []  # it was not there yet


def test_touches_keep_a_deal_alive() -> None:
    quiet = opened("s", "2")
    call = touch("8", None, account_id="a")
    assert stale(TWO_DAYS, quiet, call, now="12 12:00") == []
    assert stale(TWO_DAYS, quiet, call, now="12 12:00:00.000001") == [("12 12:00", "d/open/2")]
    assert stale(TWO_DAYS, quiet, touch("8", None, account_id="other"), now="9") == [("9 12:00", "d/open/2")]
    later = touch("20", None, account_id="a")
    assert stale(TWO_DAYS, quiet, later, now="9") == [("9 12:00", "d/open/2")]  # not until then
    shown = touch("8", None, account_id="a", kind="impression")
    assert stale(TWO_DAYS, quiet, shown, now="9") == [("9 12:00", "d/open/2")]  # in no journey


def test_states_of_then_say_whether_a_deal_is_open() -> None:
    quiet = opened("s", "2")
    assert stale(TWO_DAYS, quiet, deal("d", "1", "3", "won", "20"), now="12") == [("12 12:00", "d/open/2")]
    assert stale(TWO_DAYS, deal("d", "1", "2", "won"), opened("s", "20"), now="12") == []
    assert stale(TWO_DAYS, quiet, opened("s", "11"), now="12") == []
    gone = opened("s", "20", deleted=True)
    assert stale(TWO_DAYS, quiet, gone, now="12") == []  # deleted now: in no figure
    assert stale(TWO_DAYS, quiet, opened("s", "3", deleted=True), opened("s", "20"), now="12") == []  # not there then


def test_how_long_deals_take_in_a_segment() -> None:
    small = deal("w1", "1", "2", segment="small"), deal("w2", "1", "4", segment="small")  # one and three days: two
    large = [deal(f"v{n}", "1", "21", segment="large") for n in range(3)]
    quiet = opened("s", "2", segment="small")
    assert stale(*small, *large, quiet, now="7", min_won=2) == [("7 12:00", "d/open/2")]
    assert stale(*small, *large, quiet, now="7", min_won=3) == []  # of all: 20 days
    plain = opened("s", "2")
    assert stale(*small, *large, plain, now="7", min_won=2) == []
    assert stale(*small, deal("w3", "1", "2"), deal("w4", "1", "2"), plain, now="7", min_won=2) == [("7 12:00", "d/open/2")]  # none like it


def test_as_of_is_the_latest_event_where_nothing_is_said() -> None:
    config = Config(exceptions=Exceptions(stale=StaleRule(min_won=1)))
    assert found("stale", TWO_DAYS, opened("s", "2"), lead("mql", "20"), config=config) == [("20 12:00", "d/open/2")]


# Leads passed by


def test_deals_whose_lead_was_passed_by() -> None:
    named, won = lead("mql", "1", deal_id="d"), deal("d", "3", "9")
    assert found("bypassed_lead", won) == []  # no lead names it
    assert found("bypassed_lead", won, lead("sql", "1")) == []
    assert found("bypassed_lead", won, named) == [("3 12:00", "d/won/9")]
    assert found("bypassed_lead", won, named, lead("sql", "3 12:00")) == []
    assert found("bypassed_lead", won, named, lead("sql", "3 12:00:00.000001")) == [("3 12:00", "d/won/9")]
    assert found("bypassed_lead", won, named, lead("opportunity", "2")) == [("3 12:00", "d/won/9")]  # SQL is inferred
    assert found("bypassed_lead", won, named, lead("sql", "2", lead_id="m", deal_id="d")) == []  # another lead of it
    assert found("bypassed_lead", won, named, lead("sql", "2", lead_id="m")) == [("3 12:00", "d/won/9")]
    assert found("bypassed_lead", deal("d", "3", None, "open"), named) == [("3 12:00", "d/open/3")]
    assert found("bypassed_lead", deal("d", "3", "2", "won", "9"), named) == [("2 12:00", "d/won/9")]  # opened when it closed


def test_every_pass_that_names_a_deal_is_asked() -> None:
    first = lead("sql", "1", deal_id="d"), lead("rejected", "2")
    second = lead("mql", "4", deal_id="d")
    assert found("bypassed_lead", deal("d", "5", "9"), *first, second) == []  # the deal is of the second pass, the first names it too


# What all rules have in common


def test_a_row_says_whose_it_is() -> None:
    states = deal("d", "1", "2", "won", "8", owner="Ben"), deal("d", "1", "2", "won", "9", owner="Ada", segment="smb", **worth("100.00"))
    config = Config(exceptions=Exceptions(no_contact=Rule(version="7")))
    assert only(rows(*states, config=config), rule="no_contact") == {
        "exception_id": "no_contact:d:d/won/9",
        "rule": "no_contact",
        "rule_version": "7",
        "deal_id": "d",
        "owner": "Ada",
        "segment": "smb",
        "occurred_at": moment(1_772_452_800_000_000),
        "occurred_on": dt.date(2026, 3, 2),
        "money_at_risk": Decimal(100),
        "source": "crm",
        "event_id": "d/won/9",
    }


def test_money_at_risk_is_what_the_deal_is_worth_now() -> None:
    assert only(rows(deal("d", "1", "2")), rule="no_contact")["money_at_risk"] == 0
    assert only(rows(deal("d", "1", "2", **worth("5.00", "EUR"))), rule="no_contact")["money_at_risk"] is None
    states = deal("d", "1", "2", **worth("5.00")), deal("d", "1", "2", "won", "9")
    assert only(rows(*states), rule="no_contact")["money_at_risk"] == 5  # that of its spell
    assert only(rows(deal("d", "1", "2", "lost", **worth("5.00"))), rule="no_loss_reason")["money_at_risk"] == 5


def test_rules_can_be_off_and_begin_on_a_day() -> None:
    won = deal("d", "1", "2 12:00", "won", "9")
    assert found("no_contact", won, config=Config(exceptions=Exceptions(no_contact=Rule(enabled=False)))) == []
    assert len(found("no_contact", won, config=Config(exceptions=Exceptions(since=dt.date(2026, 3, 2))))) == 1
    assert found("no_contact", won, config=Config(exceptions=Exceptions(since=dt.date(2026, 3, 3)))) == []
    east = Config(reporting=Reporting(time_zone="Pacific/Auckland"), exceptions=Exceptions(since=dt.date(2026, 3, 3)))
    assert len(found("no_contact", won, config=east)) == 1  # one in the morning there


def test_deleted_deals_improvise_nothing() -> None:
    assert rows(deal("d", "1", "2"), deal("d", "1", "2", "won", "9", deleted=True)) == []


# Costs of exceptions


def costs(*events: Event, config: Config = PLAIN) -> Rows:
    """Return what exceptions cost."""
    one = world(events, config)
    return exception_cost(one, sales_exception(one, passes(one)))


QUIET: dict[str, Any] = {"contact_ids": ["p"]}


def test_costs_add_up_and_a_deal_counts_once_among_all_rules() -> None:
    events = [
        deal("a", "1", "2", owner="Ada", **worth("100.00")),  # no contact: 100
        deal("a", "1", "2", "won", "5", owner="Ada", **worth("90.00")),  # changed: 10; the deal is worth 90 now
        deal("b", "3", "2", "won", "9", owner="Ben", **worth("40.00")),  # no contact, and closed before it was opened
        deal("c", "1", "2", owner="Ben", **worth("370.00"), **QUIET),
    ]
    month = {"period_kind": "month", "period": "2026-03"}
    made = costs(*events)
    everything = only(made, **month, segment_kind="all", rule="all")
    assert (everything["exceptions"], everything["deals"], everything["money_at_risk"]) == (4, 2, 130)
    assert everything["share_of_revenue"] == Fraction(130, 500)
    missing = only(made, **month, segment_kind="all", rule="no_contact")
    assert (missing["exceptions"], missing["deals"], missing["money_at_risk"], missing["share_of_revenue"]) == (
        2,
        2,
        130,
        Fraction(130, 500),
    )
    ben = only(made, **month, segment_kind="owner", segment="Ben", rule="all")
    assert (ben["exceptions"], ben["deals"], ben["money_at_risk"], ben["share_of_revenue"]) == (2, 1, 40, Fraction(40, 410))
    assert only(made, **month, segment_kind="segment", segment="(none)", rule="all")["money_at_risk"] == 130
    assert {row["period_kind"] for row in made} == {"month", "quarter", "year"}
    assert {row["segment_kind"] for row in made} == {"all", "segment", "owner"}


def test_an_exception_costs_in_the_period_in_which_it_happened() -> None:
    events = deal("d", "1", "31", **worth("100.00"), **QUIET), deal("d", "1", "31", "won", "2026-04-02", **worth("90.00"), **QUIET)
    made = costs(*events)
    assert {row["period"] for row in made} == {"2026-04", "2026-Q2", "2026"}
    assert only(made, period="2026-04", segment_kind="all", rule="all")["share_of_revenue"] is None  # −10 was won there
    assert only(made, period="2026", segment_kind="all", rule="all")["share_of_revenue"] == Fraction(10, 90)


def test_unknown_money_is_not_counted() -> None:
    made = costs(deal("d", "1", "2", **worth("5.00", "EUR")))
    row = only(made, period_kind="year", segment_kind="all", rule="all")
    assert (row["exceptions"], row["deals"], row["money_at_risk"], row["share_of_revenue"]) == (1, 1, 0, None)
    made = costs(deal("d", "1", "2", **worth("5.00", "EUR")), deal("e", "1", "2", **worth("7.00")))
    assert only(made, period_kind="year", segment_kind="all", rule="no_contact")["money_at_risk"] == 7


def test_one_rule_may_find_a_deal_often() -> None:
    names = ("proposal", "discovery", "proposal", "discovery")
    states = [opened(name, f"{day}", **worth("10.00")) for day, name in enumerate(names, 2)]
    made = costs(*states, config=STAGED)
    row = only(made, period_kind="month", segment_kind="all", rule="stage_reverted")
    assert (row["exceptions"], row["deals"], row["money_at_risk"]) == (2, 1, 20)
    assert only(made, period_kind="month", segment_kind="all", rule="all")["money_at_risk"] == 10


# Adherence


def adherence(*events: Event, config: Config = PLAIN) -> tuple[Rows, Rows]:
    """Return the scores and the failures of events."""
    one = world(events, config)
    of = passes(one)
    slas, exceptions = lead_sla(one, of), sales_exception(one, of)
    return crm_adherence(one, slas, exceptions), crm_adherence_failure(one, slas, exceptions)


def passed(check: str, *events: Event, config: Config = PLAIN, period: str = "2026-03", segment: str = "all") -> tuple[int, int] | None:
    """Return how many records passed a check in a period, and of how many."""
    scores, failures = adherence(*events, config=config)
    made = [row for row in scores if (row["check"], row["period"], row["segment"]) == (check, period, segment)]
    if not made:
        return None
    (row,) = made
    assert row["score"] == Fraction(100 * row["passed"], row["applicable"])
    if segment == "all":
        assert row["applicable"] - row["passed"] == sum(check in ("all", one["check"]) and one["period"] == period for one in failures)
    return row["passed"], row["applicable"]


def now(text: str, **more: Any) -> Config:
    """Return a configuration with a "now"."""
    return Config(reporting=Reporting(as_of=dt.datetime.fromisoformat(at(text).replace("Z", "+00:00"))), **more)


@pytest.mark.parametrize(
    ("check", "data", "expected"),
    [
        ("amount_present", {}, 0),
        ("amount_present", worth("0"), 1),
        ("amount_present", {"list_amount": "5.00", "currency": "USD"}, 0),
        ("contacts_linked", {}, 0),
        ("contacts_linked", {"contact_ids": []}, 0),
        ("contacts_linked", {"contact_ids": ["p"]}, 1),
        ("contacts_linked", {"primary_contact_id": "p"}, 1),
        ("next_step_present", {}, 0),
        ("next_step_present", {"next_step": " "}, 0),
        ("next_step_present", {"next_step": "call"}, 1),
        ("close_date_ahead", {}, 0),
        ("close_date_ahead", {"closed_at": at("9 12:00")}, 1),
        ("close_date_ahead", {"closed_at": at("9 11:59:59.999999")}, 0),
    ],
)
def test_what_is_asked_of_open_deals(check: str, data: dict[str, Any], expected: int) -> None:
    assert passed(check, opened("s", "2", **data), config=now("9 12:00")) == (expected, 1)


@pytest.mark.parametrize(
    ("until", "days", "expected"), [("16 12:00", 14, 1), ("16 12:00:00.000001", 14, 0), ("2 12:00", 0, 1), ("2 12:00:00.000001", 0, 0)]
)
def test_open_deals_are_updated(until: str, days: int, expected: int) -> None:
    config = now(until, adherence=Adherence(update_days=days))
    assert passed("updated_recently", opened("s", "1"), opened("s", "2"), config=config) == (expected, 1)


def test_periods_are_looked_at_when_they_end_or_now() -> None:
    events = opened("s", "2026-01-31 23:59:59.999999", next_step="call"), opened("s", "2026-02-01 00:00"), lead("mql", "2026-03-02 00:00")
    for period, expected in (("2026-01", (1, 1)), ("2026-02", (0, 1)), ("2026-03", (0, 1)), ("2026-Q1", (0, 1)), ("2026", (0, 1))):
        assert passed("next_step_present", *events, period=period) == expected, period
    assert passed("next_step_present", *events, period="2025-12") is None
    assert passed("next_step_present", *events, period="2026-04") is None
    early = now("2026-01-31 23:59:59.999999")
    assert passed("next_step_present", *events, period="2026-Q1", config=early) == (1, 1)
    assert passed("next_step_present", *events, period="2026-02", config=early) is None  # begins after it
    assert passed("next_step_present", *events, period="2026-02", config=now("2026-02-01 00:00")) == (0, 1)  # begins then
    assert adherence(*events, config=now("2025-12-31")) == ([], [])


def test_a_deal_that_is_deleted_or_not_there_is_not_asked() -> None:
    events = opened("s", "2"), opened("s", "2026-04-02", deleted=True), opened("s", "2026-05-02")
    assert passed("next_step_present", *events) == (0, 1)
    assert passed("next_step_present", *events, period="2026-04") is None
    assert passed("next_step_present", *events, period="2026-05") == (0, 1)
    assert adherence(*events[:2]) == ([], [])


def test_what_is_asked_of_closed_deals() -> None:
    assert passed("loss_reason_present", deal("d", "1", "2", "lost")) == (0, 1)
    assert passed("loss_reason_present", deal("d", "1", "2", "lost", loss_reason="price")) == (1, 1)
    assert passed("loss_reason_present", deal("d", "1", "2", "won")) is None
    assert passed("won_with_contact", deal("d", "1", "2", "won")) == (0, 1)
    assert passed("won_with_contact", deal("d", "1", "2", "won", **QUIET)) == (1, 1)
    assert passed("won_with_contact", deal("d", "1", "2", "lost", **QUIET)) is None
    for status in ("won", "lost"):
        closed = deal("d", "1", "5", status)
        assert passed("activity_logged", closed) == (0, 1)
        assert passed("activity_logged", closed, touch("5 12:00", None, account_id="a", team="sales")) == (1, 1)
        assert passed("activity_logged", closed, touch("5 12:00", None, account_id="a")) == (0, 1)
        assert passed("activity_logged", closed, touch("5 12:00:00.000001", None, account_id="a", team="sales")) == (0, 1)
    assert passed("activity_logged", opened("s", "2")) is None


def test_the_close_is_that_of_the_state_of_then() -> None:
    events = deal("d", "1", "5"), deal("d", "1", "2026-04-05", "won", "2026-04-05"), touch("6", None, account_id="a", team="sales")
    assert passed("activity_logged", *events) == (0, 1)
    assert passed("activity_logged", *events, period="2026-Q2") is None  # its spell began in March
    assert passed("activity_logged", *events, period="2026") == (1, 1)


def test_a_closed_deal_is_asked_in_the_period_in_which_its_spell_began() -> None:
    won = deal("d", "1", "2", "won", "2026-03-31 23:59:59.999999")
    assert passed("won_with_contact", won) == (0, 1)
    assert passed("won_with_contact", won, config=now("2026-05-01"), period="2026-04") is None
    corrected = deal("d", "1", "2", "won", "2026-04-02", **QUIET)
    assert passed("won_with_contact", won, corrected) == (0, 1)  # as the state at the end of March says
    assert passed("won_with_contact", won, corrected, period="2026-04") is None
    assert passed("won_with_contact", won, corrected, period="2026") == (1, 1)
    reopened, again = opened("s", "2026-04-02"), deal("d", "1", "2026-04-05", **QUIET)
    assert passed("won_with_contact", won, reopened, again, period="2026-04") == (1, 1)
    assert passed("won_with_contact", won, reopened, again, period="2026") == (1, 1)
    lost = deal("d", "1", "2", "lost", "2026-04-02", loss_reason="price")
    assert passed("loss_reason_present", won, lost, period="2026-04") == (1, 1)
    assert passed("won_with_contact", won, reopened, period="2026-04") is None


def test_a_spell_begins_in_register_order() -> None:
    """A state that was put before another by its revision begins the spell, whenever it was written."""
    first, second = deal("d", "1", "2", "won", "2026-04-05", revision=1), deal("d", "1", "2", "won", "2026-03-05", revision=2)
    assert passed("won_with_contact", first, second, config=now("2026-05-01")) == (0, 1)  # in March only the second is there
    assert passed("won_with_contact", first, second, config=now("2026-05-01"), period="2026-04") == (0, 1)


def test_stages_are_in_order_until_then() -> None:
    skipped = opened("discovery", "2"), deal("d", "1", "5")
    assert passed("stages_in_order", *skipped) is None  # no stages are declared
    assert passed("stages_in_order", *skipped, config=STAGED) == (0, 1)
    fine = (*(opened(name, f"{day}") for day, name in enumerate(("discovery", "proposal", "negotiation"), 2)), deal("d", "1", "5"))
    assert passed("stages_in_order", *fine, config=STAGED) == (1, 1)
    later = *fine, opened("proposal", "2026-04-02"), opened("discovery", "2026-04-03"), deal("d", "1", "2026-04-04", "lost")
    assert passed("stages_in_order", *later, config=STAGED) == (1, 1)  # what happened in April is not yet known
    assert passed("stages_in_order", *later, config=STAGED, period="2026-04") == (0, 1)
    off = Exceptions(stage_skipped=Rule(enabled=False))
    assert passed("stages_in_order", *skipped, config=replace(STAGED, exceptions=off)) == (1, 1)
    assert passed("stages_in_order", *skipped, config=replace(STAGED, exceptions=Exceptions(since=dt.date(2026, 3, 6)))) == (1, 1)


def test_leads_are_answered_in_time() -> None:
    """An MQL of Monday 2 March, 12:00, is due on Thursday at 12:00: 24 hours, eight a day."""
    handed = lead("mql", "2")
    assert passed("answered_in_time", handed, lead("sal", "5 12:00")) == (1, 1)
    assert passed("answered_in_time", handed, lead("sal", "5 12:00:00.000001")) == (0, 1)
    assert passed("answered_in_time", handed, config=now("5 11:59:59.999999")) is None
    assert passed("answered_in_time", handed, config=now("5 12:00")) == (0, 1)  # due, and nobody has answered
    assert passed("answered_in_time", handed, lead("rejected", "3"), config=now("4")) == (1, 1)
    assert passed("answered_in_time", handed, lead("rejected", "4"), config=now("3")) is None  # of later, and not due
    assert passed("answered_in_time", lead("sal", "2")) is None


def test_a_lead_counts_in_the_period_in_which_it_was_handed_over() -> None:
    handed = lead("mql", "2026-03-31 12:00")  # due on Friday, 3 April
    late, soon = lead("rejected", "2026-04-06"), lead("rejected", "31 13:00")
    assert passed("answered_in_time", handed, late) is None  # at the end of March it waits
    assert passed("answered_in_time", handed, late, period="2026-04") is None
    assert passed("answered_in_time", handed, late, period="2026-Q1") is None
    assert passed("answered_in_time", handed, late, period="2026") == (0, 1)
    assert passed("answered_in_time", handed, soon) == (1, 1)
    assert passed("answered_in_time", handed, soon, period="2026") == (1, 1)


def test_all_checks_together_and_those_of_the_configuration() -> None:
    events = (
        opened("s", "2", owner="Ada", **worth("1.00")),
        deal("e", "1", "2", owner="Ben"),
        lead("mql", "1", owner="Ada"),
        lead("sal", "2"),
    )
    assert passed("all", *events) == (3, 8)  # amount, updated, answered; not contacts, next step, close date, contact, activity
    assert passed("all", *events, segment="Ada") == (3, 6)
    assert passed("all", *events, segment="Ben") == (0, 2)
    chosen = Config(adherence=Adherence(checks=("amount_present", "won_with_contact")))
    assert passed("all", *events, config=chosen) == (1, 2)
    assert {row["check"] for row in adherence(*events, config=chosen)[0]} == {"all", "amount_present", "won_with_contact"}


def test_segments_are_those_of_the_state_of_then() -> None:
    events = opened("s", "2", owner="Ada"), opened("s", "2026-04-02", owner="Ben", segment="smb")
    assert passed("amount_present", *events, segment="Ada") == (0, 1)
    assert passed("amount_present", *events, segment="(none)") == (0, 1)
    assert passed("amount_present", *events, segment="Ben") is None
    assert passed("amount_present", *events, segment="smb", period="2026-04") == (0, 1)
    of_account = event("account", "crm", "a", at("1"), {"account_id": "a", "segment": "large"})
    assert passed("amount_present", *events, of_account, segment="large") == (0, 1)


def test_failures_name_the_record() -> None:
    _, failures = adherence(deal("e", "1", "2", "lost", owner="Ben"), lead("mql", "1", owner="Ada"), config=now("9"))
    month = [row for row in failures if row["period_kind"] == "month"]
    of_deal = {"deal_id": "e", "lead_id": None, "pass_no": None, "rule_id": None, "segment": None, "owner": "Ben"}
    of_lead = {"deal_id": None, "lead_id": "l", "pass_no": 1, "rule_id": "mql_sal_24h", "segment": None, "owner": "Ada"}
    usual = {"period_kind": "month", "period": "2026-03"}
    assert month == [
        {**usual, "check": "loss_reason_present", **of_deal},
        {**usual, "check": "activity_logged", **of_deal},
        {**usual, "check": "answered_in_time", **of_lead},
    ]
