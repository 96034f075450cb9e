"""Living deals and their states in order; adjustments in the order of their effect."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nisba.attribution.deals import living_deals, winning_adjustments
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows


def test_a_deal_that_is_deleted_now_is_gone_with_all_its_states() -> None:
    rows: list[dict[str, Any]] = [
        {"deal_id": "b", "stage": "1"},
        {"deal_id": "a", "stage": "2"},
        {"deal_id": "a", "stage": "3", "deleted": True, "occurred_at": NOON + STEP},
        {"deal_id": "c", "stage": "4", "deleted": True},
        {"deal_id": "c", "stage": "5", "occurred_at": NOON + STEP},
        {"deal_id": "b", "stage": "6", "occurred_at": NOON - STEP},
    ]
    deals = living_deals(fact_rows("deal", *rows))
    assert deals.ids.values.to_pylist() == ["b", "c"]
    assert deals.states["stage"].to_pylist() == ["6", "1", "4", "5"]
    assert deals.deal.tolist() == [0, 0, 1, 1]
    assert deals.current.tolist() == [1, 3]


def test_a_null_is_not_deleted() -> None:
    assert living_deals(fact_rows("deal", {"deal_id": "a", "deleted": None})).ids.values.to_pylist() == ["a"]


def test_no_deal_lives() -> None:
    for rows in ([], [{"deal_id": "a", "deleted": True}]):
        deals = living_deals(fact_rows("deal", *rows))
        assert (len(deals.ids), len(deals.states), deals.deal.tolist(), deals.current.tolist()) == (0, 0, [], [])


def test_ids_are_in_order_of_their_bytes_and_can_be_looked_up() -> None:
    names = ["b", "Ж", "A", "\U0001f600", "\uffee"]
    deals = living_deals(fact_rows("deal", *({"deal_id": name} for name in names)))
    assert deals.ids.values.to_pylist() == sorted(names, key=str.encode)
    assert deals.ids.codes(deals.states["deal_id"]).tolist() == [0, 1, 2, 3, 4]


def test_adjustments_are_sorted_by_effect_then_id() -> None:
    rows = [
        {"adjustment_id": "c", "effective_at": NOON},
        {"adjustment_id": "b", "effective_at": NOON + STEP},
        {"adjustment_id": "a", "effective_at": NOON + STEP},
        {"adjustment_id": "d", "effective_at": NOON + 2 * STEP, "amount": Decimal(1)},
        {"adjustment_id": "d", "effective_at": NOON - STEP, "amount": Decimal(2), "occurred_at": NOON + STEP},
    ]
    found = winning_adjustments(fact_rows("adjustment", *rows))
    assert found["adjustment_id"].to_pylist() == ["d", "c", "a", "b"]
    assert found["amount"].to_pylist()[0] == 2
