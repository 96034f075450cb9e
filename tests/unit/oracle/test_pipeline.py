"""Pipeline created (semantics §9), by hand: the first amount above zero, shared by the touches until the opening."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from nisba.config import Attribution, Config, CustomModel, Reporting
from tests import oracle
from tests.strategies import Event
from tests.unit.oracle.facts import OPENED, at, deal, quote, stage, touch

MODELS = ("linear", "w_30_30_30_10", "last_touch")
USUAL = Config(attribution=Attribution(models=MODELS, default_model="linear"))


def created(*events: Event, model: str = "linear", config: Config = USUAL) -> list[tuple[Any, ...]]:
    """Return (touch, ordinal, position, weight, amount) of a model's rows."""
    rows = [row for row in oracle.fold(events, config)["pipeline_credit"] if row["model"] == model]
    return [(row["touch_id"], row["ordinal"], row["position"], row["weight"], row["amount"]) for row in rows]


def on(*days_before_close: float) -> list[Event]:
    return [touch(f"t{i}", days, account_id="a", campaign_id=f"c{i}") for i, days in enumerate(days_before_close)]


HALF = Decimal("0.5")


def test_touches_after_the_opening_made_nothing() -> None:
    """The opening is 30 days before the close; a touch at its very moment belongs to it."""
    events = [*on(40, 30, 29, 1), deal()]
    assert created(*events) == [("t0", 1, "FT", HALF, 50), ("t1", 2, "LC+OC+CW", HALF, 50)]
    assert created(*events, model="last_touch") == [("t1", 2, "LC+OC+CW", 1, 100)]


def test_a_lead_that_came_later_is_unknown() -> None:
    """LC is then where the opening is; a lead creation before it stays where it is."""
    before, after = stage("s", "mql", 35, deal_id="d"), stage("s", "mql", 10, deal_id="d")
    assert [row[:3] for row in created(*on(50, 40, 31), after, deal(), model="w_30_30_30_10")] == [
        ("t0", 1, "FT"),
        ("t1", 2, ""),
        ("t2", 3, "LC+OC+CW"),
    ]
    assert [row[2] for row in created(*on(50, 40, 31), before, deal(), model="w_30_30_30_10")] == ["FT", "LC", "OC+CW"]
    weights = [row[3] for row in created(*on(50, 40, 31), after, deal(), model="w_30_30_30_10")]
    assert weights == [Decimal("0.3"), Decimal("0.1"), Decimal("0.6")]


def test_lost_deals_stay_and_amounts_change_nothing() -> None:
    history = [
        deal("1", 9, status="open", amount="0.00"),
        deal("2", 8, status="open", amount="40.00"),
        deal("3", 7, status="lost", amount="7"),
    ]
    assert created(*on(40), *history) == [("t0", 1, "FT+LC+OC+CW", 1, 40)]


def test_without_a_touch_until_then_it_is_unattributed() -> None:
    (row,) = [row for row in oracle.fold([*on(10), deal()], USUAL)["pipeline_credit"] if row["model"] == "linear"]
    assert (row["ordinal"], row["touch_id"], row["channel"], row["team"], row["position"]) == (None, None, "unattributed", None, None)
    assert (row["weight"], row["amount"], row["amount_reporting"], row["created_on"]) == (1, 100, 100, OPENED.date())


def test_a_deal_without_any_amount_made_none() -> None:
    assert created(*on(40), deal(status="open", amount=None, currency=None)) == []


@pytest.mark.parametrize(("day", "expected"), [("2026-03-01", "110.00"), ("2026-02-22", "110.00"), ("2026-02-21", None)])
def test_it_is_worth_what_it_was_on_the_day_of_the_opening(day: str, expected: str | None) -> None:
    """Without a rate it is unknown, and holds nothing for that."""
    events = [*on(40), deal(currency="EUR"), quote(day, "EUR", "USD", "1.10"), quote("2026-03-31", "EUR", "USD", "1.20")]
    rows = oracle.fold(events, USUAL)
    assert {row["amount_reporting"] for row in rows["pipeline_credit"]} == {None if expected is None else Decimal(expected)}
    assert rows["held"] == []


def test_closed_before_it_was_opened_it_was_made_at_its_close() -> None:
    berlin = Config(reporting=Reporting(time_zone="Europe/Berlin"), attribution=USUAL.attribution)
    rows = oracle.fold([*on(5, 0, -5), deal(opened_at=at(-9), closed_at=at(0))], berlin)["pipeline_credit"]
    assert {row["created_on"] for row in rows} == {dt.date(2026, 3, 31)}
    assert [row["touch_id"] for row in rows if row["model"] == "linear"] == ["t0", "t1"]


def test_a_models_own_journey_and_window_stay() -> None:
    """Anchored at the close with a lookback of 35 days: 40 days before it is outside, also for what was made at the opening."""
    own = CustomModel(id="own", rest=Decimal(100), anchor="closed_at", lookback_days=35)
    config = Config(attribution=USUAL.attribution, model=(own,))
    assert created(*on(40, 33, 1), deal(), model="own", config=config) == [("t1", 1, "FT+LC+OC+CW", 1, 100)]


def test_a_half_life_ends_at_the_opening() -> None:
    own = CustomModel(id="own", rest=Decimal(100), half_life_days=Decimal(1))
    config = Config(attribution=USUAL.attribution, model=(own,))
    rows = created(*on(32, 31, 1), deal(), model="own", config=config)
    assert [row[4] for row in rows] == [Decimal("33.33"), Decimal("66.67")]
