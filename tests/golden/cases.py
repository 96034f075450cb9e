"""The golden numbers of semantics §10 as one table. `test_semantics_numbers.py` holds the product and the oracle to it.

The figures are not ours: each case says who worked them out. A deal `d` of account `a`, opened 30 days before its close, has the
touches named by their days before the close.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tests.strategies import Event, event

__all__ = [
    "BOOKS",
    "CASES",
    "COSTS",
    "LATE_SHARES",
    "MONTHS_OF_COST",
    "RANGED_COST",
    "BooksCase",
    "Case",
    "CostCase",
    "at",
    "cost",
    "state",
    "touches",
]

CLOSE = dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc)


def at(days_before_close: float) -> str:
    """Return an instant so many days before the close."""
    return (CLOSE - dt.timedelta(days=days_before_close)).isoformat()


def touches(*days_before_close: float) -> tuple[Event, ...]:
    """Return one click each, of campaigns of their own."""
    data = {"account_id": "a", "channel": "paid", "kind": "click", "team": "marketing"}
    return tuple(event("touch", "web", f"t{i:03}", at(days), {**data, "campaign_id": f"c{i}"}) for i, days in enumerate(days_before_close))


def state(status: str, amount: str, currency: str = "USD", *, opened: float = 30, changed: float = 0, **more: Any) -> Event:
    """Return a state of the deal."""
    data = {"deal_id": "d", "account_id": "a", "stage": status, "status": status, "opened_at": at(opened), "closed_at": at(0)}
    return event("deal", "crm", f"e{changed}", at(changed), {**data, "amount": amount, "currency": currency, **more})


def refund(adjustment_id: str, amount: str, days_after_close: float) -> Event:
    """Return an adjustment of the deal."""
    data = {"adjustment_id": adjustment_id, "deal_id": "d", "amount": amount, "currency": "USD", "effective_at": at(-days_after_close)}
    return event("adjustment", "erp", adjustment_id, at(-days_after_close), data)


def quote(days_before_close: float, rate: str) -> Event:
    """Return what a euro is in dollars on a day."""
    data = {"date": at(days_before_close)[:10], "base": "EUR", "quote": "USD", "rate": rate}
    return event("fx", "ecb", f"q{days_before_close}", at(days_before_close), data)


def cost(amount: str, day: str, currency: str = "USD", **more: Any) -> Event:
    """Return what a campaign cost on a day."""
    data = {"campaign_id": "c", "starts_on": day, "amount": amount, "currency": currency, **more}
    return event("spend", "ads", f"{day}/{amount}", f"{day}T23:00:00Z", data)


@dataclass(frozen=True)
class Case:
    """The credits of a deal under one model: one tuple per entry, one amount per touch, in journey order."""

    id: str
    source: str
    model: str
    events: tuple[Event, ...]
    credits: tuple[tuple[str, ...], ...]
    currency: str = "USD"


ADOBE = "Adobe Analytics, Attribution models and lookback windows: the example of a $50 purchase, and what it says of two touches"
MARKETO = "Marketo Measure, Attribution Models: milestones share 90 %, 10 % go to the touches between; scaled where there are none"
REMAINDERS = "largest remainder by hand: 100 / 3 = 33.33 three times, the missing unit to the earliest of equal remainders"
IMPORTS = "a system that was filled in January 2024 says so of a sale of June 2023: the sale was there before its record"
PEERS = "what three open-source packages get wrong: by definition it is nothing"

MQL = event("lead-stage", "crm", "l1", at(35), {"lead_id": "l", "stage": "mql", "deal_id": "d"})
WON = state("won", "100.00")
AMENDED_THEN_LOST = (state("won", "100.00", changed=3), state("won", "99.99", changed=2), state("lost", "99.99", changed=1))

CASES = (
    Case(
        id="time decay of 7 days",
        source=ADOBE,
        model="time_decay_7d",
        events=(*touches(9, 6, 0, 0), state("won", "50")),
        credits=(("6.92", "9.32", "16.88", "16.88"),),
    ),
    Case("J of four touches", ADOBE, "j_20_20_60", (*touches(9, 6, 0, 0), state("won", "50")), (("10", "5", "5", "30"),)),
    Case("position of two touches", ADOBE, "position_40_20_40", (*touches(9, 0), WON), (("50", "50"),)),
    Case("J of two touches", ADOBE, "j_20_20_60", (*touches(9, 0), WON), (("25", "75"),)),
    Case("inverse J of two touches", ADOBE, "inverse_j_60_20_20", (*touches(9, 0), WON), (("75", "25"),)),
    Case("W with three milestones on one touch", MARKETO, "w_30_30_30_10", (*touches(40, 20, 10), WON), (("90", "5", "5"),)),
    Case("full path on FT+LC and OC+CW", MARKETO, "full_path_22_10", (*touches(40, 31), MQL, WON), (("50", "50"),)),
    Case("dollars in thirds", REMAINDERS, "linear", (*touches(9, 6, 3), WON), (("33.34", "33.33", "33.33"),)),
    Case("yen in thirds", REMAINDERS, "linear", (*touches(9, 6, 3), state("won", "1000", "JPY")), (("334", "333", "333"),), "JPY"),
    Case(
        "dinars in thirds", REMAINDERS, "linear", (*touches(9, 6, 3), state("won", "1.000", "KWD")), (("0.334", "0.333", "0.333"),), "KWD"
    ),
    Case(
        id="amended, then lost: every touch ends at 0.00",
        source=REMAINDERS,
        model="linear",
        events=(*touches(9, 6, 3), *AMENDED_THEN_LOST),
        credits=(("33.34", "33.33", "33.33"), ("-0.01", "0", "0"), ("-33.33", "-33.33", "-33.33")),
    ),
    Case(
        id="imported: closed before it was created",
        source=IMPORTS,
        model="linear",
        events=(*touches(30), state("won", "100.00", opened=-235)),
        credits=(("100",),),
    ),
    Case("a touch three weeks after the close", PEERS, "linear", (*touches(9, -21), WON), (("100",),)),
    Case("every event twice", PEERS, "linear", (*touches(9, 6, 3), WON) * 2, (("33.34", "33.33", "33.33"),)),
    Case("a lost deal", PEERS, "linear", (*touches(9), state("lost", "100.00")), ()),
)


@dataclass(frozen=True)
class BooksCase:
    """The entries of a deal in the reporting currency, and what is held: (id, reason, amount)."""

    id: str
    source: str
    events: tuple[Event, ...]
    entries: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str, str], ...] = ()


RUNS = "each sale has the rate of the day it was booked: 900 × 1.10 and 900 × 1.20"
DOWN_TO_ZERO = "a refund takes back what is there: of 130.00 asked, 100.00; true-ups first fill what refunds took too much"

BOOKS = (
    BooksCase(
        id="reopened, and won again at another rate",
        source=RUNS,
        events=(
            quote(20, "1.10"),
            quote(10, "1.20"),
            state("won", "900.00", "EUR", changed=20, closed_at=at(20)),
            state("open", "900.00", "EUR", changed=15),
            state("won", "900.00", "EUR", changed=10, closed_at=at(10)),
        ),
        entries=(("booking", "990.00"), ("reversal", "-990.00"), ("rebooking", "1080.00")),
    ),
    BooksCase(
        id="refunds above the sale",
        source=DOWN_TO_ZERO,
        events=(WON, refund("r1", "-120.00", 1), refund("r2", "-10.00", 2)),
        entries=(("booking", "100.00"), ("adjustment", "-100.00"), ("adjustment", "0.00")),
        held=(("r2", "over_refund", "30.00"),),
    ),
    BooksCase(
        id="a refund above the sale, then a true-up",
        source=DOWN_TO_ZERO,
        events=(WON, refund("r1", "-120.00", 1), refund("r2", "50.00", 2)),
        entries=(("booking", "100.00"), ("adjustment", "-100.00"), ("adjustment", "30.00")),
    ),
)


@dataclass(frozen=True)
class CostCase:
    """The cost of a campaign by day of March 2026."""

    id: str
    source: str
    events: tuple[Event, ...]
    costs: tuple[tuple[int, str], ...]


PLATFORMS = "what advertising platforms export: rows finer than a day, amounts in millionths"
TWO_DAYS = (cost("211.120966", "2026-03-01", "EUR"), cost("0.003000", "2026-03-02", "EUR"))

COSTS = (
    CostCase(
        id="three rows of a day",
        source=PLATFORMS,
        events=tuple(cost(amount, "2026-03-01", "EUR", spend_id=name) for name, amount in (("a", "36.15"), ("b", "24.57"), ("c", "3.00"))),
        costs=((1, "63.72"),),
    ),
    CostCase(id="fractions of a cent wait", source=PLATFORMS, events=TWO_DAYS, costs=((1, "211.12"), (2, "0.00"))),
    CostCase(
        id="and make a cent",
        source=PLATFORMS,
        events=(*TWO_DAYS, cost("0.002034", "2026-03-03", "EUR")),
        costs=((1, "211.12"), (2, "0.00"), (3, "0.01")),
    ),
)

LATE_SHARES = {"time_decay_90d": "0.3905", "time_decay_7d": "0.9884"}
"""The share of the last quarter of a cycle of 180 days with one touch in the middle of each day.

It is (1 − 2^(−45/h)) ÷ (1 − 2^(−180/h)) for a half-life h: why 90 days are the default for long cycles.
"""

RANGED_COST: dict[str, Any] = {
    "campaign_id": "c",
    "starts_on": "2026-07-01",
    "ends_on": "2026-10-17",
    "amount": "18000.00",
    "currency": "USD",
}
MONTHS_OF_COST = {7: "5119.27", 8: "5119.26", 9: "4954.13", 10: "2807.34"}
"""18,000.00 over 109 days: 165.137615 a day, rounded on what there is until then.

A vendor that rounds each of the four months by itself prints 18,000.01.
"""
