"""The oracle of incentive statements itself, on numbers derived by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.agreements import Incentive, Tier
from nisba.config import Config, Reporting
from tests.oracle.statements import LockedRun, statements

PLAN = Incentive(
    id="p",
    model="linear",
    pool_pct=Decimal(10),
    cap=Decimal(9),
    tiers=(Tier(from_pct=Decimal(40), factor=Decimal(2)), Tier(from_pct=Decimal(0), factor=Decimal(1))),
)


def row(credit: str, booked_on: tuple[int, int], run: tuple[int, int] | None = None, **data: Any) -> dict[str, Any]:
    month, day = booked_on
    begun = run or booked_on
    fixed = {"period": f"2026-Q{(month + 2) // 3}", "model": "linear", "team": "marketing", "entry": "booking", "campaign_owner": "Ada"}
    days = {"booked_on": dt.date(2026, month, day), "run_booked_on": dt.date(2026, *begun)}
    return {**fixed, **days, "revenue_reporting": Decimal(credit), **data}


def quarter(number: int, *rows: dict[str, Any], again: bool = False) -> LockedRun:
    start = dt.date(2026, 3 * number - 2, 1)
    end = dt.date(2026 + number // 4, 3 * number % 12 + 1, 1) - dt.timedelta(days=1)
    return LockedRun(f"2026-Q{number}-{1 + again}", f"2026-Q{number}", "quarter", start, end, not again, list(rows))


def amounts(*values: Decimal) -> str:
    return " ".join(f"{value:.2f}" for value in values)


def test_a_quarter_and_what_becomes_of_it() -> None:
    runs = [
        quarter(1, row("40", (2, 1)), row("20", (2, 1), campaign_owner=None), row("60", (2, 1), team=None)),
        quarter(2, row("-30", (5, 1), (2, 1), entry="adjustment"), row("10", (5, 2))),
        quarter(1, row("-5", (2, 1)), again=True),
        quarter(3, row("1", (8, 1))),
    ]
    first, second, third = statements(runs, PLAN, Config())
    assert (amounts(first.base, first.factor, first.earned), first.share_pct) == ("60.00 2.00 9.00", Fraction(50))  # 12, capped
    assert sorted(first.lines) == [("2026-Q1", "earned", "(unassigned)", Decimal(3)), ("2026-Q1", "earned", "Ada", Decimal(6))]
    # 10 for Ada and 20 for nobody are left: worth 6
    assert amounts(second.base, second.earned, second.clawed_back, second.paid, second.carried_out) == "10.00 2.00 -3.00 0.00 -1.00"
    assert sorted(second.lines) == [
        ("2026-Q1", "clawed_back", "(unassigned)", Decimal(1)),
        ("2026-Q1", "clawed_back", "Ada", Decimal(-4)),
        ("2026-Q2", "earned", "Ada", Decimal(2)),
    ]
    # 5 for Ada and 20 for nobody: worth 5
    assert amounts(third.earned, third.clawed_back, third.carried_in, third.paid, third.carried_out) == "0.20 -1.00 -1.00 0.00 -1.80"


def test_a_booking_of_an_unstated_quarter_is_paid_in_the_period_of_the_row() -> None:
    late = [quarter(2, row("10", (5, 1), (2, 1), entry="amendment"), row("10", (5, 2))), quarter(1, row("40", (2, 1)))]
    second, first = statements(late, PLAN, Config())
    assert amounts(second.base, second.earned) == "20.00 4.00"
    assert amounts(first.base, first.earned, first.clawed_back) == "50.00 9.00 -2.00"


def test_nothing_is_below_zero_but_what_is_carried() -> None:
    runs = [quarter(1, row("40", (2, 1))), quarter(2, row("-90", (5, 1), (2, 1), entry="reversal"))]
    _, second = statements(runs, PLAN, Config())
    assert amounts(second.clawed_back, second.paid, second.carried_out) == "-8.00 0.00 -8.00"


def test_minor_units_are_those_of_the_reporting_currency() -> None:
    plan = Incentive(id="p", model="linear", pool_pct=Decimal(10), split_by={"b": Decimal(50), "a": Decimal(50)})
    (yen,) = statements([quarter(1, row("150", (2, 1)))], plan, Config(reporting=Reporting(currency="JPY")))
    assert sorted(yen.lines) == [("2026-Q1", "earned", "a", Decimal(8)), ("2026-Q1", "earned", "b", Decimal(7))]
