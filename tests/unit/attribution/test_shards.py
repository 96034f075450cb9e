"""What a shard carries arrives as it was packed, and its columns mean what they say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest

from nisba.attribution.facts import INSTANT, MONEY
from nisba.attribution.shards import TABLES, Shard, list_column, pack, unpack


def state(*rows: tuple[int, str, str | None, str | None]) -> Any:
    """Return states of (deal, status, amount, currency), one microsecond apart."""
    deal, status, amount, currency = (list(column) for column in zip(*rows, strict=True))
    number = pa.array(range(len(rows)), pa.int64())
    return pa.table(
        {
            "deal": pa.array(deal, pa.int64()),
            "status": pa.array(status),
            "amount": pa.array([None if each is None else Decimal(each) for each in amount], MONEY),
            "currency": pa.array(currency, pa.string()),
            "occurred_at": number.cast(INSTANT),
            "opened_at": pa.array([100 + each for each in range(len(rows))], pa.int64()).cast(INSTANT),
            "closed_at": pa.array([None if each == "open" else 7 for each in status], pa.int64()).cast(INSTANT),
        }
    )


def shard(states: Any, accounts: tuple[int, ...] = (0, 1)) -> Shard:
    tables = dict.fromkeys(TABLES, pa.table({}))
    tables["touch"] = pa.table(
        {"kind": pa.array(["click", None, "click"]).dictionary_encode(), "occurred_at": pa.array([1, 2, 3]).cast(INSTANT)}
    )
    return Shard(**{**tables, "state": states, "deal": pa.table({"account": pa.array(accounts, pa.int64())})})


SHARD = shard(state((0, "open", None, None), (0, "won", "1000", "JPY"), (1, "lost", "0.05", "USD"), (1, "won", "1.234", "KWD")))


def test_current_states_are_the_last_of_each_deal() -> None:
    assert (SHARD.deals, SHARD.accounts, SHARD.current.tolist()) == (2, 2, [1, 3])
    assert SHARD.opened_us.tolist() == [7, 7], "at their close, which is before they were opened"
    assert (SHARD.is_won.tolist(), SHARD.is_open.tolist()) == ([False, True, False, True], [True, False, False, False])


def test_times() -> None:
    assert SHARD.changed_at_us.tolist() == [0, 1, 2, 3]
    closed, known = SHARD.closed_at_us
    assert (closed.tolist(), known.tolist()) == ([0, 7, 7, 7], [False, True, True, True])
    assert SHARD.touched_at_us.tolist() == [1, 2, 3]


def test_codes_of_touches() -> None:
    codes, values = SHARD.touch_codes("kind")
    assert ([values[code] if code >= 0 else None for code in codes.tolist()], values) == (["click", None, "click"], ["click"])


def test_rates_are_exact_and_by_what_is_converted_into_what() -> None:
    columns = {
        "day": [7, 7],
        "currency": ["USD", "USD"],
        "target": ["EUR", "JPY"],
        "numerator": ["9", str(10**30)],
        "denominator": ["10", "7"],
    }
    rated = replace(SHARD, rate=pa.table(columns))
    assert rated.rates == {(7, "USD", "EUR"): Fraction(9, 10), (7, "USD", "JPY"): Fraction(10**30, 7)}


def test_what_is_packed_is_unpacked() -> None:
    tables = {name: pa.table({name: pa.array([number, None], pa.int64())}) for number, name in enumerate(TABLES)}
    tables["touch"] = pa.table({"kind": pa.chunked_array([["a"], ["b", "a"]]).dictionary_encode()})
    tables["state"] = tables["state"].slice(0, 0)
    again = unpack(pack(tables))
    for name in TABLES:
        assert getattr(again, name).to_pylist() == tables[name].to_pylist()
        assert getattr(again, name).schema == tables[name].schema
    assert pack(tables) == pack(tables)


@pytest.mark.parametrize("lists", [[[1, 2], [], None, [3]], [[], []], []])
def test_items_of_lists_know_their_row(lists: list[list[int] | None]) -> None:
    rows, values = list_column(pa.array(lists, pa.list_(pa.int64())))
    expected = [(row, value) for row, items in enumerate(lists) for value in items or ()]
    assert list(zip(rows.tolist(), values.tolist(), strict=True)) == expected


def test_items_of_a_slice_of_lists() -> None:
    rows, values = list_column(pa.array([[9], [1, 2], [3]]).slice(1))
    assert (rows.tolist(), values.tolist()) == ([0, 0, 1], [1, 2, 3])
