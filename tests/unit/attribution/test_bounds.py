"""Bounds: the first and the last instant, day, count and rate that count, and the words that are reserved."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from nisba.attribution.bounds import admitted, is_outside, is_refused, left_out
from nisba.attribution.facts import INSTANT, Facts
from tests.unit.attribution.fact_rows import NOON, STEP, UTC, fact_rows

FIRST, END = dt.datetime(1970, 1, 1, tzinfo=UTC), dt.datetime(2200, 1, 1, tzinfo=UTC)
TOUCH = {"channel": "email", "kind": "click"}
CAMPAIGN = {"campaign_id": "c-1", "channel": "email"}
SPEND = {"campaign_id": "c-1", "starts_on": dt.date(2020, 1, 1), "ends_on": dt.date(2020, 1, 1), "amount": Decimal(1), "currency": "USD"}
DEAL = {"deal_id": "d-1", "stage": "Won", "status": "won", "closed_at": NOON, "amount": Decimal(5), "currency": "USD"}
LINK = {"op": "link", "left_kind": "person", "left_id": "p", "right_kind": "account", "right_id": "a"}
RATE = {"date": dt.date(2026, 1, 1), "base": "EUR", "quote": "USD"}


def test_instants_and_days_from_1970_to_the_end_of_2199_are_inside() -> None:
    instants = pa.array([FIRST, FIRST - STEP, END - STEP, END, None], INSTANT)
    assert is_outside(instants).tolist() == [False, True, False, True, False]
    days = pa.chunked_array([pa.array([dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(2199, 12, 31), dt.date(2200, 1, 1), None])])
    assert is_outside(days).tolist() == [False, True, False, True, False]
    assert is_outside(pa.array([None], INSTANT)).tolist() == [False]


COUNTS: list[tuple[str, dict[str, Any], bool]] = [
    ("touch", TOUCH, True),
    ("touch", TOUCH | {"occurred_at": FIRST}, True),
    ("touch", TOUCH | {"occurred_at": FIRST - STEP}, False),
    ("touch", TOUCH | {"channel": " (None) "}, True),
    ("touch", TOUCH | {"channel": "Unattributed"}, False),
    ("touch", TOUCH | {"channel": "\u00a0"}, False),
    ("touch", TOUCH | {"kind": "all"}, True),
    ("touch", TOUCH | {"kind": ""}, False),
    ("touch", TOUCH | {"campaign_id": "(none)"}, True),
    ("campaign", CAMPAIGN, True),
    ("campaign", CAMPAIGN | {"campaign_id": "ALL"}, False),
    ("campaign", CAMPAIGN | {"campaign_id": " all"}, True),
    ("campaign", CAMPAIGN | {"same_as": "(unattributed)"}, False),
    ("campaign", CAMPAIGN | {"starts_on": dt.date(1, 1, 1), "ends_on": dt.date(9999, 12, 31)}, True),
    ("spend", SPEND, True),
    ("spend", SPEND | {"ends_on": dt.date(2030, 1, 7)}, True),
    ("spend", SPEND | {"ends_on": dt.date(2030, 1, 8)}, False),
    ("spend", SPEND | {"leads": 10**15 - 1}, True),
    ("spend", SPEND | {"leads": 10**15}, False),
    ("spend", SPEND | {"campaign_id": "unattributed"}, False),
    ("deal", DEAL, True),
    ("deal", DEAL | {"closed_at": END}, False),
    ("deal", DEAL | {"closed_at": END, "status": "open"}, True),
    ("deal", DEAL | {"closed_on": dt.date(1, 1, 1)}, False),
    ("deal", DEAL | {"opened_on": dt.date(1969, 12, 31)}, False),
    ("deal", DEAL | {"stage": "(none)"}, True),
    ("deal", DEAL | {"stage": "\t"}, False),
    ("deal", DEAL | {"segment": "all"}, True),
    ("adjustment", {"effective_at": NOON}, True),
    ("adjustment", {"effective_on": dt.date(2200, 1, 1)}, False),
    ("identity", LINK | {"since": NOON, "until": NOON + STEP}, True),
    ("identity", LINK | {"since": NOON, "until": NOON}, False),
    ("identity", LINK | {"since": NOON, "until": NOON, "op": "unlink"}, True),
    ("identity", LINK | {"since": NOON, "left_kind": "visitor"}, False),
    ("identity", LINK | {"since": FIRST - STEP, "left_kind": "visitor"}, True),
    ("identity", LINK | {"until": NOON, "left_kind": "account", "right_kind": "lead"}, True),
    ("fx", RATE | {"rate": "0.000000000001"}, True),
    ("fx", RATE | {"rate": "0.0000000000009"}, False),
    ("fx", RATE | {"rate": "1000000000000"}, True),
    ("fx", RATE | {"rate": "1000000000000.01"}, False),
    ("fx", RATE | {"rate": "1", "date": dt.date(2200, 1, 1)}, False),
    ("lead_stage", {"occurred_at": END}, False),
]


@pytest.mark.parametrize(("fact_type", "row", "counts"), COUNTS)
def test_fact_counts_within_the_bounds_alone(fact_type: str, row: dict[str, Any], counts: bool) -> None:
    assert admitted(fact_type, fact_rows(fact_type, row)).num_rows == counts


def test_far_dates_are_null_where_nothing_is_computed_from_them() -> None:
    far, near = dt.datetime(9999, 12, 31, tzinfo=UTC), NOON
    deals = admitted("deal", fact_rows("deal", *(DEAL | {"status": "open", "closed_at": at} for at in (far, near))))
    assert deals["closed_at"].to_pylist() == [None, near]
    links = admitted("identity", fact_rows("identity", LINK | {"since": near, "until": far}))
    assert (links["since"].to_pylist(), links["until"].to_pylist()) == ([near], [None])
    campaigns = admitted("campaign", fact_rows("campaign", CAMPAIGN | {"starts_on": dt.date(1, 1, 1), "ends_on": dt.date(2026, 1, 1)}))
    assert (campaigns["starts_on"].to_pylist(), campaigns["ends_on"].to_pylist()) == ([None], [dt.date(2026, 1, 1)])


def test_tables_within_the_bounds_are_what_they_were() -> None:
    table = fact_rows("deal", DEAL)
    assert admitted("deal", table) is table
    assert not is_refused("deal", table).any()


def test_money_that_would_count_is_held_once_for_each_register() -> None:
    deals = fact_rows(
        "deal",
        DEAL | {"closed_at": END, "amount": Decimal(7)},
        DEAL | {"closed_at": END, "amount": Decimal(8), "revision": 1},
        DEAL | {"deal_id": "d-2", "closed_at": END},
        DEAL | {"deal_id": "d-2", "revision": 1},
        DEAL | {"deal_id": "d-3", "closed_at": END, "deleted": True},
    )
    adjustments = fact_rows("adjustment", {"adjustment_id": "a", "deal_id": "d-9", "amount": Decimal(-1), "effective_at": FIRST - STEP})
    spends = fact_rows("spend", SPEND | {"clicks": 10**15, "spend_id": "x"})
    held = left_out(Facts.of(deal=deals, adjustment=adjustments, spend=spends)).to_pylist()
    assert [(row["kind"], row["id"], row["deal_id"], row["campaign_id"], row["amount"]) for row in held] == [
        ("deal", "d-1", "d-1", None, Decimal(8)),
        ("adjustment", "a", "d-9", None, Decimal(-1)),
        ("spend", "s|x", None, "c-1", Decimal(1)),
    ]
    assert {row["reason"] for row in held} == {"out_of_bounds"}
