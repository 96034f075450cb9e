"""The golden numbers of semantics §10 as one table. `test_semantics_numbers.py` holds the product and the oracle to it.

The figures are not ours: each case says who worked them out. A deal `d` of account `a`, opened 30 days before its close, has the
touches named by their days before the close.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tests.strategies import Event, event

__all__ = ["CASES", "LATE_SHARES", "MONTHS_OF_COST", "RANGED_COST", "Case", "state", "touches"]

CLOSE = dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc)


def at(days_before_close: float) -> str:
    """Return an instant so many days before the close."""
    return (CLOSE - dt.timedelta(days=days_before_close)).isoformat()


def touches(*days_before_close: float) -> tuple[Event, ...]:
    """Return one click each, of campaigns of their own."""
    data = {"account_id": "a", "channel": "paid", "kind": "click", "team": "marketing"}
    return tuple(event("touch", "web", f"t{i:03}", at(days), {**data, "campaign_id": f"c{i}"}) for i, days in enumerate(days_before_close))


def state(status: str, amount: str, currency: str = "USD", *, opened: float = 30, changed: float = 0) -> Event:
    """Return a state of the deal."""
    data = {"deal_id": "d", "account_id": "a", "stage": status, "status": status, "opened_at": at(opened), "closed_at": at(0)}
    return event("deal", "crm", f"e{changed}", at(changed), {**data, "amount": amount, "currency": currency})


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
    Case("a touch three weeks after the close", PEERS, "linear", (*touches(9, -21), WON), (("100",),)),
    Case("every event twice", PEERS, "linear", (*touches(9, 6, 3), WON) * 2, (("33.34", "33.33", "33.33"),)),
    Case("a lost deal", PEERS, "linear", (*touches(9), state("lost", "100.00")), ()),
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
MONTHS_OF_COST = {7: "5119.34", 8: "5119.34", 9: "4954.11", 10: "2807.21"}
"""18,000.00 over 109 days: 83 days of 165.14, then 26 of 165.13. A vendor that rounds each of the four months prints 18,000.01."""
