"""Held rows: their columns, their sentences, and the adjustments of deals that do not exist."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.facts import MONEY
from nisba.attribution.fx import RATE_DAYS
from nisba.attribution.held import SENTENCES, held_adjustments, held_rows, unknown_deals
from tests.unit.attribution.fact_rows import NOON, STEP, fact_rows


def test_a_row_has_what_is_held_and_why() -> None:
    ids, money = pa.array(["s|c|2026-03-01|2026-03-02"]), pa.array([Decimal("12.5")], pa.decimal128(10, 2))
    table = held_rows("spend", ids, ["fx_missing"], campaign_id=pa.array(["c"]), currency=pa.array(["EUR"]), amount=money)
    assert table.schema == BOOK_SCHEMAS["held"]
    assert table.to_pylist() == [
        {
            "kind": "spend",
            "id": "s|c|2026-03-01|2026-03-02",
            "reason": "fx_missing",
            "deal_id": None,
            "campaign_id": "c",
            "currency": "EUR",
            "amount": Decimal("12.500"),
            "detail": SENTENCES["spend", "fx_missing"],
        }
    ]


def test_columns_may_be_dictionaries_and_chunked() -> None:
    ids = pa.chunked_array([pa.array(["d1"]).dictionary_encode(), pa.array(["d2"]).dictionary_encode()])
    currency, amount = pa.array(["USD", None]), pa.array([None, Decimal("0")], MONEY)
    table = held_rows("deal", ids, ["fx_missing", "out_of_range"], deal_id=ids, currency=currency, amount=amount)
    assert [(row["id"], row["deal_id"], row["currency"], row["amount"], row["reason"]) for row in table.to_pylist()] == [
        ("d1", "d1", "USD", None, "fx_missing"),
        ("d2", "d2", None, Decimal(0), "out_of_range"),
    ]


@pytest.mark.parametrize(("kind", "reason"), [("deal", "not_won"), ("adjustment", "currency_mismatch"), ("touch", "fx_missing")])
def test_a_reason_without_a_sentence_is_a_mistake(kind: str, reason: str) -> None:
    with pytest.raises(KeyError):
        held_rows(kind, pa.array(["x"]), [reason], currency=pa.array(["USD"]), amount=pa.array([Decimal(1)]))


def test_sentences_tell_how_old_a_rate_may_be() -> None:
    told = [sentence for (_, reason), sentence in SENTENCES.items() if reason == "fx_missing"]
    assert len(told) == 3
    assert all(f"the {RATE_DAYS} days before" in sentence for sentence in told)


def test_no_rows() -> None:
    assert held_adjustments(fact_rows("adjustment"), []).schema == BOOK_SCHEMAS["held"]
    assert len(unknown_deals(fact_rows("adjustment"), pa.array([], pa.string()))) == 0


def refund(adjustment_id: str, deal_id: str, step: int = 0, amount: str = "-1.00") -> dict[str, object]:
    return {
        "adjustment_id": adjustment_id,
        "deal_id": deal_id,
        "occurred_at": NOON + step * STEP,
        "amount": Decimal(amount),
        "currency": "USD",
        "effective_at": NOON,
    }


def test_only_the_latest_word_of_an_adjustment_counts() -> None:
    """`a` was moved to a deal that exists, `b` away from one; `c` stays where it was; `d` names nothing that lives."""
    rows = [refund("a", "gone"), refund("a", "here", 1), refund("b", "here"), refund("b", "gone", 1, "-2.00"), refund("c", "here")]
    found = unknown_deals(fact_rows("adjustment", *rows, refund("d", "nowhere")), pa.array(["here", "there"]))
    assert [(row["id"], row["deal_id"], row["amount"], row["reason"]) for row in found.to_pylist()] == [
        ("b", "gone", Decimal(-2), "unknown_deal"),
        ("d", "nowhere", Decimal(-1), "unknown_deal"),
    ]


def test_without_deals_every_adjustment_is_held() -> None:
    adjustments = fact_rows("adjustment", refund("a", "x"), refund("b", "y"))
    assert unknown_deals(adjustments, pa.array([], pa.string()))["id"].to_pylist() == ["a", "b"]
    assert unknown_deals(adjustments, pa.chunked_array([["y"], ["x"]]).dictionary_encode())["id"].to_pylist() == []
