"""Weights and splits where the quick way and the exact way could part: rounding of decay, and numbers beyond 64 bits."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest

from nisba.attribution import fold
from nisba.attribution.apportionment import muldiv, split, split_rows
from nisba.attribution.credits import decay
from nisba.config import Attribution, Config, CustomModel, Multiplier
from tests import oracle
from tests.oracle.compare import assert_same_books, rows_of
from tests.strategies import Event, event, facts_of


@pytest.mark.parametrize("half_life_days", [90.0, 7.0, 0.37])
def test_decay_is_pythons_to_the_last_unit(half_life_days: float) -> None:
    dice = np.random.default_rng(3)
    ages = np.concatenate([dice.integers(0, 400 * 86_400_000_000, 100_000), [0, 1, 43_200_000_000]])
    expected = [round(1e12 * 2.0 ** (-(age / 86_400_000_000) / half_life_days)) for age in ages.tolist()]
    assert decay(ages, half_life_days).tolist() == expected


def test_muldiv_is_exact_where_products_leave_64_bits() -> None:
    dice = random.Random(5)
    rows = [(dice.randrange(1 << 54), dice.randrange(1 << 56), dice.randrange(1 << 56, 1 << 57)) for _ in range(20_000)]
    quotient, remainder = muldiv(*(np.array(column) for column in zip(*rows, strict=True)))
    assert list(zip(quotient.tolist(), remainder.tolist(), strict=True)) == [divmod(a * b, c) for a, b, c in rows]


def test_split_of_columns_is_that_of_python() -> None:
    dice = random.Random(7)
    groups = [
        (dice.randrange(10**15), [dice.choice((1, 1, 2, dice.randrange(1, 1 << 40))) for _ in range(dice.randrange(1, 9))])
        for _ in range(3_000)
    ]
    totals, lengths = np.array([total for total, _ in groups]), np.array([len(parts) for _, parts in groups])
    weights, sums = np.array([part for _, parts in groups for part in parts]), np.array([sum(parts) for _, parts in groups])
    found = np.split(split_rows(totals, weights, sums, lengths), np.cumsum(lengths)[:-1])
    assert [part.tolist() for part in found] == [split(total, parts) for total, parts in groups]


def _touch(number: int, account: str, channel: str) -> Event:
    data = {"account_id": account, "channel": channel, "kind": "click", "team": "marketing"}
    return event("touch", "web", f"{account}-{number}", f"2026-01-{number:02}T08:00:00Z", data)


def _won(deal_id: str, account: str, amount: str, currency: str) -> Event:
    data = {"deal_id": deal_id, "account_id": account, "stage": "won", "status": "won", "amount": amount, "currency": currency}
    return event(
        "deal", "crm", deal_id, "2026-02-01T00:00:00Z", data | {"opened_at": "2026-01-06T00:00:00Z", "closed_at": "2026-02-01T00:00:00Z"}
    )


def _true_up(number: int, deal_id: str, amount: str, currency: str) -> Event:
    data = {"adjustment_id": f"r-{number}", "deal_id": deal_id, "amount": amount, "currency": currency}
    return event("adjustment", "erp", f"r-{number}", "2026-02-03T00:00:00Z", data | {"effective_at": f"2026-02-03T00:00:{number:02}Z"})


FINE = CustomModel(
    id="fine",
    first_touch=Decimal("33.333333333"),
    rest=Decimal("66.666666667"),
    half_life_days=Decimal("11.7"),
    multipliers=(
        Multiplier(factor=Decimal("1.1234567890123456789"), channel="event"),
        Multiplier(factor=Decimal("0.0000000001"), kind="click"),
    ),
)


def test_deals_beyond_64_bits_stand_beside_others() -> None:
    """The model's integers outgrow 64 bits for one deal, another deal's running total does so by itself, a third is an everyday one."""
    touches = [_touch(day, account, channel) for account in ("a", "b", "c") for day, channel in ((2, "event"), (5, "email"), (9, "paid"))]
    deals = [_won("d-a", "a", "999999999999.999", "KWD"), _won("d-b", "b", "100.00", "USD"), _won("d-c", "c", "0.07", "USD")]
    raises = [_true_up(number, "d-a", "999999999999.997", "KWD") for number in range(25)]
    quote = event("fx", "bank", "q", "2026-01-31T00:00:00Z", {"date": "2026-01-31", "base": "KWD", "quote": "USD", "rate": "3.2519"})
    events = [*touches, *deals, *raises, quote]
    config = Config(attribution=Attribution(models=("linear", "time_decay_7d", "w_30_30_30_10"), default_model="linear"), model=(FINE,))
    expected = oracle.fold(events, config)
    assert max(entry["amount"] for entry in expected["entry"]) > 10**11
    assert {row["model"] for row in expected["credit_line"]} == {"linear", "time_decay_7d", "w_30_30_30_10", "fine"}
    assert_same_books(expected, rows_of(fold(facts_of(events), config).tables()))
