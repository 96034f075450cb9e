"""How fast deals move, what a customer costs, whose the revenue is (figures §2), worked out on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Attribution, Config, Marketing, Reporting
from tests.level_sets import level_set
from tests.oracle.figures import MEASURES, marketing_share
from tests.oracle.levels.deals import cac, deal_share, marketing_shares, velocity
from tests.oracle.levels.world import world
from tests.strategies import Event, event
from tests.unit.oracle.facts import quote
from tests.unit.oracle.lead_facts import PLAIN, at, deal, lead, only, touch

Rows = list[dict[str, Any]]

MARCH = {"period_kind": "month", "period": "2026-03"}
ALL = {"segment_kind": "all", "segment": "all"}


def worth(amount: str, currency: str = "USD") -> dict[str, Any]:
    """Return an amount as an event says it."""
    return {"amount": amount, "currency": currency}


def spend(day: str, amount: str, spend_id: str = "s", campaign_id: str = "c", **data: Any) -> Event:
    """Return a cost."""
    usual = {"campaign_id": campaign_id, "spend_id": spend_id, "amount": amount, "currency": "USD", "starts_on": day}
    return event("spend", "ads", spend_id, at("1"), usual | data)


def moved(*events: Event, config: Config = PLAIN, **where: Any) -> dict[str, Any]:
    """Return how deals moved: in March, all of them, where nothing else is said."""
    return only(velocity(world(events, config)), **({**MARCH, **ALL} | where))


def now(text: str) -> Config:
    """Return a configuration with a "now"."""
    return Config(reporting=Reporting(as_of=dt.datetime.fromisoformat(at(text).replace("Z", "+00:00"))))


# Velocity


def test_how_fast_deals_move() -> None:
    events = [
        deal("a", "1", "11", **worth("100.00")),
        deal("b", "2", "22", **worth("50.00")),
        deal("c", "3", "5", "lost", **worth("900.00")),
        deal("d", "2026-02-03", None, "open"),
        deal("e", "4", None, "open"),
        lead("mql", "2026-04-30"),
    ]
    assert moved(*events) == {
        **MARCH,
        **ALL,
        "opened": 4,
        "open_deals": 2,
        "won": 2,
        "lost": 1,
        "win_rate": Fraction(2, 3),
        "win_rate_low": pytest.approx(0.2077, abs=5e-5),
        "win_rate_high": pytest.approx(0.9385, abs=5e-5),
        "average_value": 75,
        "cycle_days": 15,
        "velocity_per_day": Fraction(20, 3),  # 2 × 2/3 × 75 ÷ 15
    }
    assert moved(*events, period="2026-02")["open_deals"] == 1
    assert moved(*events, period="2026-04")["open_deals"] == 2  # nothing happened, two are open
    assert moved(*events, period="2026-Q1", period_kind="quarter")["opened"] == 5


@pytest.mark.parametrize(
    ("ended", "expected"),
    [("2026-03-31 23:59:59.999999", (0, 1)), ("2026-04-01 00:00", (1, 0))],
)
def test_deals_are_open_at_the_last_microsecond_by_their_state_then(ended: str, expected: tuple[int, int]) -> None:
    made = moved(deal("d", "1", None, "open"), deal("d", "1", ended, "won", ended), lead("mql", "2026-04-30"))
    assert (made["open_deals"], made["won"]) == expected


def test_deals_close_when_their_current_state_says() -> None:
    """Reported in April as won in March: the deal is won in March, and was open at its end."""
    events = deal("d", "1", None, "open"), deal("d", "1", "20", "won", "2026-04-02")
    assert (moved(*events)["open_deals"], moved(*events)["won"]) == (1, 1)
    reopened = deal("d", "1", None, "open", "2026-04-05")
    assert (moved(*events, reopened)["won"], moved(*events, reopened, period="2026-04")["open_deals"]) == (0, 1)


def test_a_deal_is_there_from_its_first_state_until_it_is_deleted() -> None:
    first, last = deal("d", "1", None, "open", "2026-04-02"), deal("d", "1", None, "open", "2026-06-02")
    assert (moved(first)["opened"], moved(first)["open_deals"]) == (1, 0)  # nobody knew of it in March
    gone = deal("d", "1", None, "open", "2026-05-02", deleted=True)
    found = {row["period"] for row in velocity(world((first, gone, last), PLAIN)) if row["period_kind"] == "month"}
    assert found == {"2026-03", "2026-04", "2026-06"}
    assert velocity(world((first, gone), PLAIN)) == []


def test_a_deal_that_closed_before_it_was_opened_was_opened_when_it_closed() -> None:
    made = moved(deal("d", "2026-04-05", "20", "won", "2026-04-09", **worth("10.00")))
    assert (made["opened"], made["won"], made["cycle_days"], made["velocity_per_day"]) == (1, 1, 0, None)


def test_what_is_missing_makes_no_velocity() -> None:
    still_open = deal("o", "1", None, "open")
    unpriced = moved(still_open, deal("d", "1", "9"))
    assert (unpriced["average_value"], unpriced["cycle_days"], unpriced["velocity_per_day"]) == (None, 8, None)
    some = moved(still_open, deal("d", "1", "9"), deal("e", "1", "9", **worth("8.00")), deal("f", "1", "9", **worth("5.00", "EUR")))
    assert (some["average_value"], some["velocity_per_day"]) == (8, 1)  # held and unknown ones are in no mean
    nothing = moved(still_open, deal("e", "1", "9", **worth("0")))
    assert (nothing["average_value"], nothing["velocity_per_day"]) == (0, 0)
    lost = moved(still_open, deal("d", "1", "9", "lost"))
    assert (lost["win_rate"], lost["average_value"], lost["cycle_days"], lost["velocity_per_day"]) == (0, None, None, None)
    none_closed = moved(still_open)
    assert (none_closed["win_rate"], none_closed["win_rate_low"], none_closed["velocity_per_day"]) == (None, None, None)


def test_rows_end_with_the_month_of_now() -> None:
    events = deal("d", "1", None, "open"), deal("e", "1", "2026-05-09", "won", "2026-05-09"), deal("f", "2026-04-09", None, "open")
    rows = velocity(world(events, now("2026-04-01 00:00")))
    assert {row["period"] for row in rows if row["period_kind"] == "month"} == {"2026-03", "2026-04"}
    assert {row["period"] for row in rows if row["period_kind"] == "quarter"} == {"2026-Q1", "2026-Q2"}
    assert only(rows, period="2026-04", **ALL)["opened"] == 1  # later facts of that month count
    assert only(rows, period="2026-Q2", **ALL)["won"] == 1
    early = velocity(world(events, now("2026-02-28")))  # its month has nothing, its quarter and its year will have
    assert {row["period"] for row in early} == {"2026-Q1", "2026"}
    assert velocity(world(events, now("2025-12-31"))) == []


def test_deals_move_in_segments() -> None:
    events = [
        deal("a", "1", "9", segment="smb", region="EMEA", deal_type="new", product="Road", owner="Ada"),
        deal("b", "1", "9", owner="Ben"),
        deal("b", "1", "9", "won", "10", owner="Ada"),
        event("account", "crm", "a", at("1"), {"account_id": "a", "segment": "large"}),
    ]
    rows = [row for row in velocity(world(events, PLAIN)) if row["period_kind"] == "month"]
    counted = {(row["segment_kind"], row["segment"]): row["won"] for row in rows}
    assert counted == {
        ("all", "all"): 2,
        ("segment", "smb"): 1,
        ("segment", "large"): 1,
        ("region", "EMEA"): 1,
        ("region", "(none)"): 1,
        ("deal_type", "new"): 1,
        ("deal_type", "(none)"): 1,
        ("product", "Road"): 1,
        ("product", "(none)"): 1,
        ("owner", "Ada"): 2,
    }


def test_trailing_years_of_deals() -> None:
    events = deal("a", "2025-04-30", "2025-04-30", **worth("10.00")), deal("b", "10", "12", **worth("30.00")), lead("mql", "2026-05-15")
    rows = [row for row in velocity(world(events, PLAIN)) if row["period_kind"] == "ttm" and row["segment_kind"] == "all"]
    assert [(row["period"], row["won"], row["average_value"], row["cycle_days"]) for row in rows] == [("2026-03", 2, 20, 1)]
    open_since = deal("o", "2025-04-01", None, "open")
    rows = [row for row in velocity(world((*events, open_since), PLAIN)) if row["period_kind"] == "ttm" and row["segment_kind"] == "all"]
    assert [(row["period"], row["won"], row["open_deals"]) for row in rows] == [("2026-03", 2, 1), ("2026-04", 1, 1), ("2026-05", 1, 1)]


# Customers


def bought(*events: Event, margin: str | None = "50", **where: Any) -> dict[str, Any]:
    """Return what customers cost: in March where nothing else is said."""
    config = Config(reporting=Reporting(gross_margin_pct=None if margin is None else Decimal(margin)))
    return only(cac(world(events, config)), **(MARCH | where))


def test_what_a_customer_costs() -> None:
    events = [
        spend("2026-03-02", "90.00"),
        spend("2026-03-03", "10.00", "t", campaign_id="other"),
        deal("a1", "1", "10", account_id="a", **worth("120.00")),
        deal("a2", "1", "20", account_id="a", **worth("60.00")),
        deal("b1", "1", "2026-02-10", account_id="b", **worth("500.00")),
        deal("b2", "1", "11", account_id="b", **worth("700.00")),  # a customer already
        deal("c1", "1", "12", account_id=None, **worth("60.00")),
    ]
    assert bought(*events) == {
        **MARCH,
        "cost": Decimal(100),
        "new_customers": 2,
        "cac": 50,
        "revenue_per_customer": 120,  # 120 + 60 of a, 60 of the deal without an account
        "payback_months": 10,  # 50 ÷ (120 ÷ 12 × 1/2)
        "reason": None,
    }
    year = bought(*events, period_kind="year", period="2026")
    assert (year["new_customers"], year["revenue_per_customer"]) == (3, 480)


def test_an_account_is_a_customer_from_its_first_close_on() -> None:
    first, second = deal("z", "1", "10", **worth("1.00")), deal("y", "1", "2026-04-10", **worth("1.00"))
    assert bought(first, second)["new_customers"] == 1
    assert [row["period"] for row in cac(world((first, second), PLAIN)) if row["period_kind"] == "month"] == ["2026-03"]
    assert bought(second, deal("z", "1", "10", "lost"), period="2026-04")["new_customers"] == 1
    merged = event(
        "identity", "cdp", "i", at("1"), {"op": "link", "left": {"kind": "account", "id": "a"}, "right": {"kind": "account", "id": "b"}}
    )
    other = deal("y", "1", "2026-04-10", account_id="b", **worth("1.00"))
    assert bought(first, other, period="2026-04")["new_customers"] == 1
    assert [row["period"] for row in cac(world((first, other, merged), PLAIN)) if row["period_kind"] == "month"] == ["2026-03"]


def test_revenue_of_a_new_customer_is_that_of_the_period() -> None:
    first = deal("d", "1", "10", **worth("100.00"))
    changed = deal("d", "1", "10", "won", "2026-04-02", **worth("70.00"))
    assert bought(first, changed)["revenue_per_customer"] == 100
    assert bought(first, changed, period_kind="year", period="2026")["revenue_per_customer"] == 70
    held = deal("e", "1", "11", **worth("100.00", "EUR"))
    assert bought(first, held)["revenue_per_customer"] == 100


@pytest.mark.parametrize(
    ("events", "margin", "reason", "each", "payback"),
    [
        (["won"], None, "no_cost", None, None),
        (["10.00"], None, "no_new_customers", None, None),
        (["-10.00"], None, "negative_cost", None, None),
        (["-10.00", "won"], "50", "negative_cost", None, None),
        (["10.00", "won"], None, "no_margin", 10, None),
        (["10.00", "won"], "0", "no_margin", 10, None),
        (["10.00", "free"], "50", "no_revenue", 10, None),
        (["10.00", "held"], "50", "no_revenue", 10, None),
        (["10.00", "won"], "50", None, 10, 20),  # 12 of revenue a year, 6 of it are left: half a dollar a month
        (["0", "won"], "50", None, 0, 0),
    ],
)
def test_why_nothing_is_paid_back(events: list[str], margin: str | None, reason: str | None, each: Any, payback: Any) -> None:
    deals = {
        "won": deal("d", "1", "10", **worth("12.00")),
        "free": deal("d", "1", "10", **worth("0")),
        "held": deal("d", "1", "10", **worth("5.00", "EUR")),
    }
    row = bought(*(deals[name] if name in deals else spend("2026-03-02", name) for name in events), margin=margin)
    assert (row["reason"], row["cac"], row["payback_months"]) == (reason, each, payback)


def test_trailing_years_of_customers() -> None:
    events = spend("2025-04-30", "10.00"), deal("d", "2026-04-01", "2026-04-09", **worth("5.00"))
    rows = [row for row in cac(world(events, PLAIN)) if row["period_kind"] == "ttm"]
    assert [(row["period"], row["cost"], row["new_customers"]) for row in rows] == [("2026-03", 10, 0), ("2026-04", None, 1)]
    apart = spend("2024-01-30", "10.00", "t"), *events
    found = [row["period"] for row in cac(world(apart, PLAIN)) if row["period_kind"] == "ttm"]
    assert (found[0], found[-1]) == ("2024-12", "2026-04")
    assert "2025-01" not in found  # the twelve months until then have nothing
    assert "2025-03" not in found
    assert "2025-04" in found


# Marketing's share


def shares(*events: Event, **more: Any) -> Rows:
    """Return marketing's share of events by the linear model."""
    return marketing_shares(world(events, Config(attribution=Attribution(models=("linear",)), **more)))


def test_marketings_share_by_what_deals_are() -> None:
    events = [
        deal("a", "10", "20", account_id="a", owner="Ada", deal_type="new", **worth("100.00")),
        deal("b", "10", "20", account_id="b", owner="all", product="Road", **worth("300.00")),
        touch("15", None, "t1", account_id="a"),
        touch("16", None, "t2", account_id="a", team="sales"),
    ]
    rows = [row for row in shares(*events) if row["period_kind"] == "month"]
    found = {(row["segment_kind"], row["segment"]): (row["won_revenue"], row["attributed"], row["attributed_pct"]) for row in rows}
    assert found == {
        ("all", "all"): (400, 50, Fraction(25, 2)),
        ("segment", "(none)"): (400, 50, Fraction(25, 2)),
        ("region", "(none)"): (400, 50, Fraction(25, 2)),
        ("deal_type", "new"): (100, 50, 50),
        ("deal_type", "(none)"): (300, 0, 0),
        ("product", "Road"): (300, 0, 0),
        ("product", "(none)"): (100, 50, 50),
        ("owner", "Ada"): (100, 50, 50),
        ("owner", "all"): (300, 0, 0),  # a person of that name is nobody else
    }
    assert only(rows, segment_kind="owner", segment="Ada")["gap_to_target"] == 20
    assert only(rows, segment_kind="owner", segment="Ada")["influenced_deals"] == 1


def test_marketings_share_of_trailing_years() -> None:
    events = [
        deal("a", "2025-04-10", "2025-04-20", account_id="a", **worth("100.00")),
        deal("b", "10", "20", account_id="b", **worth("300.00")),
        deal("b", "10", "20", "won", "2026-04-02", account_id="b", **worth("200.00")),
        touch("15", None, "t1", account_id="b"),
    ]
    rows = [row for row in shares(*events) if row["period_kind"] == "ttm" and row["segment_kind"] == "all"]
    assert [(row["period"], row["won_revenue"], row["attributed"], row["attributed_pct"], row["won_deals"]) for row in rows] == [
        ("2026-03", 400, 300, 75, 2),
        ("2026-04", 200, 200, 100, 1),
    ]
    assert [row["influenced_deals_pct"] for row in rows] == [50, 100]
    target = shares(*events, marketing=Marketing(target_pct=Decimal(40)))
    assert only(target, period_kind="ttm", period="2026-03", **ALL)["gap_to_target"] == 35


def test_a_trailing_year_has_twelve_months() -> None:
    events = deal("a", "2025-05-10", "2025-05-20", **worth("100.00")), deal("b", "10", "20", **worth("300.00"))
    assert [row for row in shares(*events) if row["period_kind"] == "ttm"] == []


@pytest.mark.parametrize("seed", range(25))
def test_kinds_of_segments_add_up_and_are_those_of_semantics(seed: int) -> None:
    one = world(*level_set(seed))
    rows = marketing_shares(one)
    plain = marketing_share(one.books, one.config)
    found: dict[tuple[str, ...], Any] = {
        (row["period_kind"], row["period"], row["segment"], row["model"]): row
        for row in rows
        if row["segment_kind"] in ("all", "segment") and row["period_kind"] != "ttm"
    }
    assert found.keys() == plain.keys()
    assert all(plain[key].items() <= found[key].items() for key in plain)
    for whole in (row for row in rows if row["segment_kind"] == "all"):
        for kind in ("segment", "region", "deal_type", "product", "owner"):
            parts = [
                row
                for row in rows
                if row["segment_kind"] == kind and all(row[name] == whole[name] for name in ("period_kind", "period", "model"))
            ]
            for measure in ("won_revenue", "won_deals", *MEASURES):
                assert sum(row[measure] for row in parts) == whole[measure], (kind, measure)


# The deals of a share


def test_a_deal_is_in_the_share_where_it_has_money_or_closes() -> None:
    events = [
        deal("d", "10", "20", owner="Ada", lead_source="website", **worth("100.00")),
        deal("d", "10", "20", "won", "2026-04-02", owner="Ada", lead_source="website", **worth("90.00")),
        touch("15", None, "t1", account_id="a"),
        touch("16", None, "t2", account_id="a", team="sales"),
    ]
    config = Config(attribution=Attribution(models=("linear",)), marketing=Marketing(lead_sources=("Website",)))
    rows = deal_share(world(events, config))
    assert [(row["period"], row["won_revenue"], row["won_deals"], row["attributed"], row["attributed_deals"]) for row in rows] == [
        ("2026-03", 100, 1, 50, Fraction(1, 2)),
        ("2026-Q1", 100, 1, 50, Fraction(1, 2)),
        ("2026", 90, 1, 45, Fraction(1, 2)),
        ("2026-04", -10, 0, -5, 0),
        ("2026-Q2", -10, 0, -5, 0),
    ]
    assert {name: rows[0][name] for name in rows[0] if name.startswith("is_")} == {
        "is_sourced_lead_source": True,
        "is_sourced_first_touch": True,
        "is_sourced_before_sales": True,
        "is_influenced": True,
        "is_coverage": True,
    }
    assert (rows[0]["owner"], rows[0]["region"]) == ("Ada", "(none)")


def test_a_deal_of_unknown_money_is_in_the_share_when_it_closes() -> None:
    held = deal("d", "10", "20", **worth("5.00", "EUR"))
    rows = deal_share(
        world(
            (held, deal("d", "10", "20", "won", "2026-04-02", **worth("4.00", "EUR"))), Config(attribution=Attribution(models=("linear",)))
        )
    )
    assert {(row["period"], row["won_revenue"], row["won_deals"]) for row in rows} == {("2026-03", 0, 1), ("2026-Q1", 0, 1), ("2026", 0, 1)}
    open_again = deal("d", "10", None, "open", "2026-04-02")
    assert deal_share(world((held, open_again), PLAIN)) == []
    known = quote("2026-03-20", "EUR", "USD", "2")
    rows = deal_share(world((held, open_again, known), PLAIN))
    assert {(row["period"], row["won_revenue"], row["won_deals"]) for row in rows if row["period_kind"] == "month"} == {
        ("2026-03", 10, 0),
        ("2026-04", -10, 0),
    }


@pytest.mark.parametrize("seed", range(25))
def test_deals_add_up_to_the_share(seed: int) -> None:
    one = world(*level_set(seed))
    rows = deal_share(one)
    plain = {key: row for key, row in marketing_share(one.books, one.config).items() if key[2] == "all"}
    assert {(row["period_kind"], row["period"], "all", row["model"]) for row in rows} == plain.keys()
    for key, row in plain.items():
        parts = [part for part in rows if (part["period_kind"], part["period"], part["model"]) == (*key[:2], key[3])]
        for measure in ("won_revenue", "won_deals", "attributed", "attributed_deals"):
            assert sum(part[measure] for part in parts) == row[measure], (key, measure)
        for measure in MEASURES[1:]:
            assert sum(part["won_revenue"] for part in parts if part[f"is_{measure}"]) == row[measure]
            assert sum(part["won_deals"] for part in parts if part[f"is_{measure}"]) == row[f"{measure}_deals"]
