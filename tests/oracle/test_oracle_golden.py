"""The oracle itself on the golden numbers of semantics §10: it would be no judge if it could not tell these."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from nisba.config import Attribution, Config
from tests.oracle import fold
from tests.oracle.costs import spread
from tests.oracle.money import split
from tests.strategies import Event, event

ALL = Config(attribution=Attribution(default_model="w_30_30_30_10"))
CLOSE = dt.datetime(2026, 3, 31, tzinfo=dt.timezone.utc)


def at(days_before_close: float) -> str:
    return (CLOSE - dt.timedelta(days=days_before_close)).isoformat()


def touches(*days_before_close: float) -> list[Event]:
    data = {"account_id": "a", "channel": "paid", "kind": "click", "team": "marketing"}
    return [event("touch", "web", f"t{i}", at(days), {**data, "campaign_id": f"c{i}"}) for i, days in enumerate(days_before_close)]


def state(status: str, amount: str, *, opened: float = 30, changed: float = 0, **more: Any) -> Event:
    data = {"deal_id": "d", "account_id": "a", "stage": status, "status": status, "opened_at": at(opened), "closed_at": at(0)}
    return event("deal", "crm", f"e{changed}", at(changed), {**data, "amount": amount, "currency": "USD", **more})


def credits_of(model: str, events: list[Event], *, entry_no: int = 1) -> list[Decimal]:
    lines = [line for line in fold(events, ALL)["credit_line"] if line["model"] == model and line["entry_no"] == entry_no]
    return [line["revenue"] for line in sorted(lines, key=lambda line: line["ordinal"])]


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("model", "days", "total", "expected"),
    [
        ("time_decay_7d", (9, 6, 0, 0), "50", ("6.92", "9.32", "16.88", "16.88")),
        ("j_20_20_60", (9, 6, 3, 0), "50", ("10", "5", "5", "30")),
        ("position_40_20_40", (9, 0), "100", ("50", "50")),
        ("j_20_20_60", (9, 0), "100", ("25", "75")),
        ("inverse_j_60_20_20", (9, 0), "100", ("75", "25")),
        ("linear", (9, 6, 0), "100", ("33.34", "33.33", "33.33")),
    ],
)
def test_weights_of_a_journey(model: str, days: tuple[int, ...], total: str, expected: tuple[str, ...]) -> None:
    assert credits_of(model, [*touches(*days), state("won", total)]) == amounts(*expected)


def test_w_shape_with_three_milestones_on_one_touch() -> None:
    assert credits_of("w_30_30_30_10", [*touches(40, 20, 10), state("won", "100")]) == amounts("90", "5", "5")


def test_full_path_on_two_touches() -> None:
    mql = event("lead-stage", "crm", "l1", at(35), {"lead_id": "l", "stage": "mql", "deal_id": "d"})
    assert credits_of("full_path_22_10", [*touches(40, 31), mql, state("won", "100")]) == amounts("50", "50")


def test_a_deal_amended_and_lost_leaves_every_touch_at_zero() -> None:
    events = [
        *touches(9, 6, 3),
        state("won", "100.00", changed=3),
        state("won", "99.99", changed=2),
        state("lost", "99.99", changed=1),
    ]
    assert credits_of("linear", events, entry_no=1) == amounts("33.34", "33.33", "33.33")
    assert credits_of("linear", events, entry_no=2) == amounts("-0.01", "0", "0")
    assert credits_of("linear", events, entry_no=3) == amounts("-33.33", "-33.33", "-33.33")


def test_nothing_for_a_touch_after_the_close_a_duplicate_or_a_lost_deal() -> None:
    events = [*touches(9, -21), state("won", "100")]
    assert credits_of("linear", events) == amounts("100")
    assert credits_of("linear", [*events, *events]) == amounts("100")
    assert credits_of("linear", [*touches(9), state("lost", "100")]) == []


def test_minor_units_and_spread_costs() -> None:
    thirds = [Fraction(1, 3)] * 3
    assert split(10000, thirds) == [3334, 3333, 3333]
    assert split(1000, thirds) == [334, 333, 333]
    assert sum(spread(1_800_000, 109)) == 1_800_000
    assert spread(-10, 3) == [-4, -3, -3]


def test_the_latest_quarter_of_a_cycle_under_short_and_long_half_lives() -> None:
    for model, expected in (("time_decay_90d", 0.39), ("time_decay_7d", 0.988)):
        rows = fold([*touches(*range(180, -1, -1)), state("won", "100000", opened=180)], ALL)["credit_line"]
        latest = sum(line["weight"] for line in rows if line["model"] == model and line["ordinal"] > 181 - 45)
        assert abs(float(latest) - expected) < 0.006
