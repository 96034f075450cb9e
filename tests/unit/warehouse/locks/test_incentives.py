"""The arithmetic of incentive plans, case by case."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from nisba.agreements import Incentive, Tier
from warehouse.locks.incentives import factor_of, parts, share_pct, worth


def plan(pool_pct: str = "1", cap: str | None = None, tiers: tuple[tuple[str, str], ...] = (("0", "1"),)) -> Incentive:
    made = tuple(Tier(from_pct=Decimal(share), factor=Decimal(factor)) for share, factor in tiers)
    return Incentive(id="p", model="linear", pool_pct=Decimal(pool_pct), cap=None if cap is None else Decimal(cap), tiers=made)


@pytest.mark.parametrize(
    ("of_team", "whole", "share"),
    [
        ("30", "100", Fraction(30)),
        ("1", "3", Fraction(100, 3)),
        ("0", "0", Fraction(0)),
        ("5", "0", Fraction(0)),
        ("5", "-10", Fraction(0)),
        ("-5", "10", Fraction(0)),
        ("15", "10", Fraction(100)),
    ],
)
def test_the_share_is_a_part_of_what_was_booked(of_team: str, whole: str, share: Fraction) -> None:
    assert share_pct(Decimal(of_team), Decimal(whole)) == share


TIERS = (("30", "2"), ("0", "0"), ("20", "1"))


@pytest.mark.parametrize(
    ("share", "factor"),
    [("0", 0), ("19.999999999", 0), ("20", 1), ("29.99", 1), ("30", 2), ("100", 2)],
)
def test_the_highest_tier_that_is_reached_counts_in_whatever_order_they_stand(share: str, factor: int) -> None:
    assert factor_of(plan(tiers=TIERS), Fraction(share)) == factor


def test_a_share_is_compared_exactly() -> None:
    just_below = Fraction(20) - Fraction(1, 10**30)
    assert factor_of(plan(tiers=TIERS), just_below) == 0


def test_below_all_tiers_nothing_is_paid() -> None:
    assert factor_of(plan(tiers=(("10", "1"),)), Fraction(9)) == 0


@pytest.mark.parametrize(
    ("pool_pct", "cap", "factor", "credit", "digits", "amount"),
    [
        ("1", None, "2", "80000.00", 2, "1600.00"),
        ("1", "1000", "2", "80000.00", 2, "1000.00"),
        ("1", "1000", "2", "40000.00", 2, "800.00"),
        ("0.5", None, "1", "1.00", 2, "0.00"),  # 0.005: to the even cent
        ("0.5", None, "1", "3.00", 2, "0.02"),  # 0.015
        ("0.5", None, "1", "2.99", 2, "0.01"),
        ("1", None, "1", "-500.00", 2, "0.00"),
        ("1", None, "0", "500.00", 2, "0.00"),
        ("1", "0", "1", "500.00", 2, "0.00"),
        ("1", "0.015", "1", "500.00", 2, "0.02"),  # a cap finer than a cent is rounded as everything is
        ("3", None, "1", "1050", 0, "32"),  # yen: 31.5
        ("1", None, "1.5", "10.100", 3, "0.152"),  # dinar: 0.1515
    ],
)
def test_what_a_plan_is_worth(pool_pct: str, cap: str | None, factor: str, credit: str, digits: int, amount: str) -> None:
    found = worth(plan(pool_pct, cap), Decimal(factor), Decimal(credit), digits)
    assert (found, format(found, "f")) == (Decimal(amount), amount)


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        ("1.00", {"c": "1", "b": "1", "a": "1"}, {"a": "0.34", "b": "0.33", "c": "0.33"}),
        ("0.01", {"b": "1", "a": "1"}, {"a": "0.01", "b": "0.00"}),
        ("0.02", {"Ж": "1", "z": "1", "B": "1", "a": "1"}, {"B": "0.01", "a": "0.01", "z": "0.00", "Ж": "0.00"}),
        ("10.00", {"a": "15", "b": "-5"}, {"a": "15.00", "b": "-5.00"}),
        ("1.00", {"a": "4", "b": "-1"}, {"a": "1.33", "b": "-0.33"}),  # 1.333 and -0.333: floored to 1.33 and -0.34
        ("0.00", {"a": "4", "b": "-1"}, {"a": "0.00", "b": "0.00"}),
        ("0.00", {"a": "-4", "b": "1"}, {"a": "0.00", "b": "0.00"}),
        ("5.00", {"a": "1", "b": "-1"}, {}),
        ("0.00", {}, {}),
        ("7.00", {"a": "60", "b": "40"}, {"a": "4.20", "b": "2.80"}),
    ],
)
def test_an_amount_is_split_to_the_last_unit(amount: str, weights: dict[str, str], expected: dict[str, str]) -> None:
    found = parts(Decimal(amount), {name: Decimal(weight) for name, weight in weights.items()}, 2)
    assert {name: f"{part:.2f}" for name, part in found.items()} == expected
    assert not found or sum(found.values()) == Decimal(amount)
