"""The figures of semantics §9 on three deals, worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Attribution, Config, Marketing, Reporting
from tests import oracle
from tests.oracle import Rows
from tests.oracle.costs import named_campaigns
from tests.oracle.figures import MEASURES, campaign_roi, credits, marketing_share, percent, periods
from tests.oracle.settled import settle
from tests.strategies import Event, event
from tests.unit.oracle.facts import at, deal, quote, refund, spend, touch

LINEAR = Config(
    attribution=Attribution(models=("linear",), default_model="linear"),
    marketing=Marketing(lead_sources=("website",), target_pct=Decimal(30)),
)
YEAR, MARCH = ("year", "2026"), ("month", "2026-03")


def of_deal(name: str, *teams: str, campaign: str | None = "c", first: float = 40, **data: Any) -> list[Event]:
    """Return a deal of an account of its own, with touches of these teams ten days apart, from 40 days before the close on."""
    account = f"a-{name}"
    touches = [
        touch(f"{name}-{i}", first - 10 * i, account_id=account, team=team, campaign_id=campaign if team == "marketing" else None)
        for i, team in enumerate(teams)
    ]
    return [*touches, deal(name, deal_id=name, account_id=account, **data)]


EVENTS = [
    *of_deal("one", "marketing", "sales", lead_source="website", segment="smb"),
    *of_deal("two", "sales", "marketing", "marketing", amount="60.00", segment="enterprise"),
    *of_deal("three", amount="40.00"),
    *of_deal("open", "marketing", status="open", amount="500.00"),
    *of_deal("lost", "marketing", status="lost", amount="700.00"),
    spend("k1", "30.00", "2026-02-15"),
    spend("k2", "50.00", "2026-03-10"),
    spend("k3", "5.00", "2026-03-10", campaign_id="idle"),
]
"""200 won: 100 with half from marketing, 60 with two thirds, 40 with no touch at all."""


@pytest.fixture(scope="module")
def rows() -> Rows:
    return oracle.fold(EVENTS, LINEAR)


@pytest.mark.parametrize(
    ("start", "day", "expected"),
    [
        (1, dt.date(2026, 1, 1), ["2026-01", "2026-Q1", "2026"]),
        (1, dt.date(2026, 12, 31), ["2026-12", "2026-Q4", "2026"]),
        (2, dt.date(2026, 1, 31), ["2026-01", "2026-Q4", "2026"]),
        (2, dt.date(2026, 2, 1), ["2026-02", "2027-Q1", "2027"]),
        (7, dt.date(2026, 6, 30), ["2026-06", "2026-Q4", "2026"]),
        (7, dt.date(2026, 10, 1), ["2026-10", "2027-Q2", "2027"]),
        (12, dt.date(2026, 11, 30), ["2026-11", "2026-Q4", "2026"]),
        (12, dt.date(2026, 12, 1), ["2026-12", "2027-Q1", "2027"]),
    ],
)
def test_a_fiscal_year_is_named_by_its_end(start: int, day: dt.date, expected: list[str]) -> None:
    found = periods(day, Config(reporting=Reporting(fiscal_year_start_month=start)))
    assert found == list(zip(("month", "quarter", "year"), expected, strict=True))


def test_credits_show_their_entry_touch_and_deal(rows: Rows) -> None:
    found = [credit for credit in credits(rows) if credit["deal_id"] == "one"]
    assert [(credit["team"], credit["revenue"], credit["segment"], credit["entry"]) for credit in found] == [
        ("marketing", 50, "smb", "booking"),
        ("sales", 50, "smb", "booking"),
    ]
    (alone,) = [credit for credit in credits(rows) if credit["deal_id"] == "three"]
    assert (alone["channel"], alone["campaign_id"], alone["team"], alone["touched_on"]) == ("unattributed", None, None, None)


@pytest.mark.parametrize(
    ("period", "campaign", "expected"),
    [
        (
            YEAR,
            "c",
            {
                "cost": 80,
                "revenue": 90,
                "realized_revenue": 90,
                "pipeline": 500,
                "won_deals": 2,
                "roi": Fraction(10, 80),
                "roas": Fraction(90, 80),
            },
        ),
        (
            MARCH,
            "c",
            {"cost": 50, "revenue": 90, "realized_revenue": 40, "pipeline": 500, "roi": Fraction(40, 50), "realized_roi": Fraction(-1, 5)},
        ),
        (
            ("month", "2026-02"),
            "c",
            {"cost": 30, "revenue": 0, "realized_revenue": 50, "pipeline": 0, "roi": -1, "realized_roi": Fraction(2, 3)},
        ),
        (YEAR, "idle", {"cost": 5, "revenue": 0, "won_deals": 0, "roi": -1, "realized_roi": -1, "roas": 0, "roi_reason": None}),
        (YEAR, "(none)", {"cost": None, "revenue": 70, "roi": None, "roi_reason": "no_cost"}),
        (YEAR, "(unattributed)", {"cost": None, "revenue": 40, "realized_revenue": 0, "won_deals": 1, "roi_reason": "no_cost"}),
    ],
    ids=["a year", "simple and realized in March", "February only cost", "nobody came", "without campaign", "without touch"],
)
def test_campaign_roi_by_hand(rows: Rows, period: tuple[str, str], campaign: str, expected: dict[str, Any]) -> None:
    row = campaign_roi(rows, LINEAR)[(*period, campaign, "linear")]
    assert {name: row[name] for name in expected} == expected


def test_the_revenue_of_all_campaigns_is_what_was_won(rows: Rows) -> None:
    figures = campaign_roi(rows, LINEAR)
    assert sum(row["revenue"] for key, row in figures.items() if key[:2] == YEAR) == 200


@pytest.mark.parametrize(("amount", "reason"), [("0.00", "zero_cost"), ("-3.00", "negative_cost"), ("0.01", None)])
def test_why_there_is_no_roi(amount: str, reason: str | None) -> None:
    figures = campaign_roi(oracle.fold([spend("k", amount, "2026-03-01")], LINEAR), LINEAR)
    row = figures[(*MARCH, "c", "linear")]
    assert row["roi_reason"] == reason
    assert (row["roi"], row["roas"]) == ((None, None) if reason else (-1, 0))


def test_a_reversal_stands_in_its_own_month() -> None:
    reopened = event("deal", "crm", "z", at(-5), EVENTS[2]["data"] | {"status": "open", "revision": 1})
    figures = campaign_roi(oracle.fold([*EVENTS[:3], reopened], LINEAR), LINEAR)
    assert figures[(*MARCH, "c", "linear")]["revenue"] == 50
    assert figures[("month", "2026-04", "c", "linear")]["revenue"] == -50
    assert figures[(*YEAR, "c", "linear")]["revenue"] == 0


@pytest.mark.parametrize(
    ("measure", "revenue", "number"),
    [
        ("attributed", 90, Fraction(1, 2) + 2 * Fraction("0.333333333333")),
        ("sourced_lead_source", 100, 1),
        ("sourced_first_touch", 100, 1),
        ("sourced_before_sales", 100, 1),
        ("influenced", 160, 2),
        ("coverage", 160, 2),
    ],
)
def test_marketing_share_by_hand(rows: Rows, measure: str, revenue: int, number: Any) -> None:
    row = marketing_share(rows, LINEAR)[(*YEAR, "all", "linear")]
    assert (row["won_revenue"], row["won_deals"]) == (200, 3)
    assert (row[measure], row[f"{measure}_deals"]) == (revenue, number)


def test_segments_add_up_to_all(rows: Rows) -> None:
    figures = marketing_share(rows, LINEAR)
    parts = [figures[(*YEAR, segment, "linear")] for segment in ("smb", "enterprise", "(none)")]
    whole = figures[(*YEAR, "all", "linear")]
    for name in ("won_revenue", "won_deals", *MEASURES, *(f"{measure}_deals" for measure in MEASURES)):
        assert sum(part[name] for part in parts) == whole[name], name


@pytest.mark.parametrize(
    ("teams", "first", "before_sales", "influenced", "coverage"),
    [
        (["marketing"], True, True, True, True),
        (["marketing", "sales"], True, True, True, True),
        (["partner", "marketing", "sales"], False, True, True, True),
        (["sales", "marketing"], False, False, True, True),
        (["sales"], False, False, False, True),
        (["customer", "partner"], False, False, False, True),
        ([], False, False, False, False),
    ],
)
def test_what_sourced_and_influenced_mean(teams: list[str], first: bool, before_sales: bool, influenced: bool, coverage: bool) -> None:
    row = marketing_share(oracle.fold(of_deal("d", *teams), LINEAR), LINEAR)[(*YEAR, "all", "linear")]
    found = [row[name] == 100 for name in ("sourced_first_touch", "sourced_before_sales", "influenced", "coverage")]
    assert found == [first, before_sales, influenced, coverage]


def test_a_refund_lowers_revenue_and_leaves_the_number_of_deals() -> None:
    events = [*of_deal("d", "marketing"), refund("r", "-40.00", effective=-5)]
    figures = marketing_share(oracle.fold(events, LINEAR), LINEAR)
    assert (figures[(*MARCH, "all", "linear")]["won_revenue"], figures[(*MARCH, "all", "linear")]["won_deals"]) == (100, 1)
    april = figures[("month", "2026-04", "all", "linear")]
    assert (april["won_revenue"], april["attributed"], april["won_deals"], april["attributed_deals"]) == (-40, -40, 0, 0)


def test_held_deals_are_counted_without_their_revenue() -> None:
    euro = Config(reporting=Reporting(currency="EUR"), attribution=LINEAR.attribution)
    row = marketing_share(oracle.fold(of_deal("d", "marketing"), euro), euro)[(*YEAR, "all", "linear")]
    assert (row["won_revenue"], row["won_deals"], row["attributed"], row["attributed_deals"]) == (0, 1, 0, 1)


def test_names_of_a_campaign_count_for_it() -> None:
    """Touches, costs and won deals; the credits keep the id as written."""
    other = event("campaign", "plan", "x", at(90), {"campaign_id": "x", "name": "n", "channel": "paid", "same_as": "c"})
    events = [
        *of_deal("d", "marketing", campaign="x"),
        *of_deal("e", "marketing"),
        other,
        spend("k", "30.00", "2026-03-10", campaign_id="x"),
    ]
    rows = oracle.fold(events, LINEAR)
    row = campaign_roi(rows, LINEAR, named_campaigns(settle(events)))[(*YEAR, "c", "linear")]
    assert (row["cost"], row["revenue"], row["won_deals"]) == (30, 200, 2)
    assert {credit["campaign_id"] for credit in credits(rows)} == {"x", "c"}
    assert (*YEAR, "x", "linear") not in campaign_roi(rows, LINEAR, named_campaigns(settle(events)))


def test_pipeline_alone_makes_a_row_of_every_model() -> None:
    two = Config(attribution=Attribution(models=("first_touch", "last_touch"), default_model="first_touch"))
    rows = oracle.fold(of_deal("open", "marketing", status="open", amount="500.00", first=80), two)
    figures = campaign_roi(rows, two)
    assert {(key[1], key[3]): row["pipeline"] for key, row in figures.items() if key[0] == "month"} == {
        ("2026-03", "first_touch"): 500,
        ("2026-03", "last_touch"): 500,
    }


def test_a_month_without_entries_has_its_won_deals() -> None:
    """Booked in January; in March its currency and its close are corrected: that run is booked in March, the deal is won in February."""
    first = of_deal("d", "marketing", closed_at=at(60), opened_at=at(70), first=65)
    again = first[-1] | {"id": "z", "time": at(0), "data": first[-1]["data"] | {"closed_at": at(35), "currency": "EUR", "amount": "90.00"}}
    rate = quote("2026-03-31", "EUR", "USD", "1.10")
    rows = oracle.fold([*first, again, rate], LINEAR)
    months = {key[1]: row for key, row in campaign_roi(rows, LINEAR).items() if key[0] == "month"}
    assert {month: (row["revenue"], row["won_deals"]) for month, row in months.items()} == {
        "2026-01": (100, 0),
        "2026-02": (0, 1),
        "2026-03": (-1, 0),
    }
    share = {key[1]: row for key, row in marketing_share(rows, LINEAR).items() if key[0] == "month" and key[2] == "all"}
    assert {month: (row["won_revenue"], row["won_deals"]) for month, row in share.items()} == {
        "2026-01": (100, 0),
        "2026-02": (0, 1),
        "2026-03": (-1, 0),
    }


def test_what_is_held_makes_a_campaigns_row_of_zero() -> None:
    euro = Config(reporting=Reporting(currency="EUR"), attribution=LINEAR.attribution)
    row = campaign_roi(oracle.fold(of_deal("d", "marketing"), euro), euro)[(*MARCH, "c", "linear")]
    assert (row["revenue"], row["won_deals"], row["cost"]) == (0, 1, None)


def test_a_held_entry_alone_makes_no_row_of_marketings_share() -> None:
    euro = Config(reporting=Reporting(currency="EUR"), attribution=LINEAR.attribution)
    events = of_deal("d", "marketing")
    lost = events[-1] | {"id": "z", "time": at(-1), "data": events[-1]["data"] | {"status": "lost"}}
    assert marketing_share(oracle.fold([*events, lost], euro), euro) == {}
    assert marketing_share(oracle.fold([*events, lost], LINEAR), LINEAR) != {}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(30, 200, 15), (0, 200, 0), (200, 200, 100), (201, 200, None), (-1, 200, None), (0, 0, None), (-30, -200, None)],
)
def test_a_percentage_that_is_none_is_absent(part: int, whole: int, expected: int | None) -> None:
    assert percent(part, whole) == expected


def test_percentages_and_the_gap_to_the_target(rows: Rows) -> None:
    row = marketing_share(rows, LINEAR)[(*YEAR, "all", "linear")]
    assert (row["attributed_pct"], row["gap_to_target"], row["influenced_pct"]) == (45, 15, 80)
    assert row["influenced_deals_pct"] == Fraction(200, 3)
    refunded = oracle.fold([*of_deal("d", "marketing"), refund("r", "-40.00", effective=-5)], LINEAR)
    april = marketing_share(refunded, LINEAR)[("month", "2026-04", "all", "linear")]
    assert (april["attributed_pct"], april["gap_to_target"], april["coverage_deals_pct"]) == (None, None, None)


def test_a_lead_source_is_met_in_any_case() -> None:
    figures = marketing_share(oracle.fold(of_deal("d", lead_source=" WebSite"), LINEAR), LINEAR)
    assert figures[(*YEAR, "all", "linear")]["sourced_lead_source_deals"] == 1


def test_weights_of_marketing_alone_are_a_whole_deal() -> None:
    """Three times 0.333333333333 is less than one, and one deal is won."""
    row = marketing_share(oracle.fold(of_deal("d", "marketing", "marketing", "marketing"), LINEAR), LINEAR)[(*YEAR, "all", "linear")]
    assert (row["attributed_deals"], row["attributed_deals_pct"]) == (1, 100)
