"""Columns in and out, and the order of rows."""

from __future__ import annotations

import bisect as plain_bisect
import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.columns import (
    Ints,
    Vocabulary,
    bisect,
    combine,
    decimals,
    dictionary,
    distinct,
    encode,
    instants,
    instants_array,
    integers,
    numbered,
    runs,
    text,
    thousandths,
    total_order,
)
from nisba.attribution.facts import INSTANT, MONEY
from tests.unit.attribution.fact_rows import NOON, micros

WORDS = st.sampled_from(["", "a", "B", "é", "\uffee", "\U0001f600", "aa"])


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def test_combine_keeps_an_array_and_joins_chunks() -> None:
    array = pa.array([1, 2])
    assert combine(array) is array
    assert combine(pa.chunked_array([[1], [], [2]])).to_pylist() == [1, 2]
    assert combine(pa.chunked_array([], pa.int64())).to_pylist() == []


@pytest.mark.parametrize("data_type", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_is_plain_however_it_was_encoded(data_type: Any) -> None:
    found = text(pa.array(["b", None, "a"]).cast(data_type))
    assert (found.type, found.to_pylist()) == (pa.string(), ["b", None, "a"])


def test_integers_of_nulls_and_slices() -> None:
    values, valid = integers(pa.array([7, 7, None, -1], pa.int32()).slice(1))
    assert (values.tolist(), valid.tolist()) == ([7, 0, -1], [True, False, True])


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_instants_of_any_unit_and_zone(unit: str) -> None:
    values, valid = instants(pa.array([NOON, None], pa.timestamp(unit, "Europe/Berlin")))
    assert (values.tolist(), valid.tolist()) == ([micros(NOON), 0], [True, False])


AMOUNTS = st.none() | st.integers(-(10**17), 10**17).map(lambda milli: Decimal(milli) / 1000)


@given(st.lists(AMOUNTS, max_size=8), st.integers(0, 3))
def test_money_there_and_back(amounts: list[Decimal | None], offset: int) -> None:
    column = pa.array(amounts, MONEY).slice(offset)
    values, valid = thousandths(column)
    assert values.tolist() == [0 if amount is None else int(amount * 1000) for amount in amounts[offset:]]
    assert decimals(values, MONEY, valid).to_pylist() == column.to_pylist()


@given(st.lists(st.none() | st.integers(-(10**15), 10**15), max_size=20))
def test_instants_there_and_back(values: list[int | None]) -> None:
    """Nulls beyond the first eight rows too: they are bits."""
    column = pa.array(values, pa.int64()).cast(INSTANT)
    assert instants_array(*instants(column)).to_pylist() == column.to_pylist()


def test_instants_array_of_a_view() -> None:
    assert instants_array(ints(1, 2, 3)[::2]).cast(pa.int64()).to_pylist() == [1, 3]


@pytest.mark.parametrize("size", [127, 128, 40_000])
def test_dictionaries_are_as_wide_as_they_must_be(size: int) -> None:
    values = pa.array([str(number) for number in range(size)])
    column = dictionary(ints(size - 1, -1, 0), values)
    assert column.to_pylist() == [str(size - 1), None, "0"]
    assert column.type.index_type == (pa.int8() if size < 128 else pa.int32())


@given(st.lists(st.none() | WORDS, max_size=12))
def test_encode_is_undone_by_looking_up(words: list[str | None]) -> None:
    for column in (pa.array(words, pa.string()), pa.array(words, pa.string()).dictionary_encode()):
        codes, values = encode(column)
        assert [None if code < 0 else values[code].as_py() for code in codes.tolist()] == words
        assert len(set(values.to_pylist())) == len(values)


@given(st.lists(st.none() | WORDS, max_size=8), st.lists(st.none() | WORDS, max_size=8))
def test_codes_compare_like_the_bytes_of_their_texts(known: list[str | None], asked: list[str | None]) -> None:
    vocabulary = Vocabulary.of(pa.array(known, pa.string()))
    ordered = sorted({word.encode() for word in known if word is not None})
    assert [word.encode() for word in vocabulary.values.to_pylist()] == ordered
    codes = vocabulary.codes(pa.array(asked, pa.string())).tolist()
    assert codes == [ordered.index(word.encode()) if word is not None and word.encode() in ordered else -1 for word in asked]


def test_a_vocabulary_of_several_columns_and_of_none() -> None:
    both = Vocabulary.of(pa.array(["b", "a"]), pa.chunked_array([["c"], ["a", None]]))
    assert (len(both), both.values.to_pylist()) == (3, ["a", "b", "c"])
    assert Vocabulary.of(pa.array([], pa.string())).codes(pa.array(["a"])).tolist() == [-1]


ROW = st.tuples(st.integers(-1, 1), st.integers(0, 1), WORDS, WORDS, st.integers(0, 2))


@given(st.lists(ROW, max_size=20), st.booleans())
def test_total_order_is_pythons(rows: list[tuple[int, int, str, str, int]], has_last: bool) -> None:
    """Integer keys first, then source and id as bytes, then the last key; rows that tie in everything may stand either way."""
    first, second, source, event_id, last = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [], [])
    keys = [np.array(column, dtype=np.int64) for column in (first, second)]
    found = total_order(
        keys, pa.array(source, pa.string()), pa.array(event_id, pa.string()), np.array(last, dtype=np.int64) if has_last else None
    )

    def weight(number: int) -> tuple[Any, ...]:
        one, other, where, name, end = rows[number]
        return (one, other, where.encode(), name.encode(), *((end,) if has_last else ()))

    assert sorted(found.tolist()) == list(range(len(rows)))
    assert [weight(number) for number in found.tolist()] == sorted(weight(number) for number in range(len(rows)))


def test_total_order_by_one_key_looks_at_text_only_where_it_ties() -> None:
    source, event_id = pa.array(["z", "b", "a", "a"]), pa.array(["1", "1", "2", "1"])
    assert total_order([ints(0, 1, 1, 1)], source, event_id).tolist() == [0, 3, 2, 1]


@given(st.lists(st.integers(-5, 5), max_size=20))
def test_distinct_and_numbered(values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)
    assert distinct(column).tolist() == sorted(set(values))
    ordered = sorted(values)
    assert numbered(np.sort(column)).tolist() == [ordered[: place + 1].count(value) for place, value in enumerate(ordered)]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 4)), max_size=8))
def test_runs_count_up_from_each_start(spans: list[tuple[int, int]]) -> None:
    starts, lengths = (np.array([span[side] for span in spans], dtype=np.int64) for side in (0, 1))
    assert runs(starts, lengths).tolist() == [start + step for start, length in spans for step in range(length)]


@given(st.lists(st.lists(st.integers(0, 6), max_size=6).map(sorted), min_size=1, max_size=5), st.data())
def test_bisect_is_pythons_in_every_slice(slices: list[list[int]], data: st.DataObject) -> None:
    values = np.array([value for part in slices for value in part], dtype=np.int64)
    high = np.cumsum([len(part) for part in slices])
    low = high - [len(part) for part in slices]
    targets = [data.draw(st.integers(-1, 7)) for _ in slices]
    for right, plain in ((True, plain_bisect.bisect_right), (False, plain_bisect.bisect_left)):
        found = bisect(values, low, high, np.array(targets, dtype=np.int64), right=right)
        assert found.tolist() == [start + plain(part, target) for start, part, target in zip(low, slices, targets, strict=True)]
    assert low.tolist() == (high - [len(part) for part in slices]).tolist()


def test_bisect_of_a_slice_turned_round_is_its_beginning() -> None:
    """A window that closes before it opens."""
    assert bisect(ints(1, 2, 3), ints(2), ints(1), ints(9), right=True).tolist() == [2]


def test_dates_are_integers_too() -> None:
    assert integers(pa.array([dt.date(1970, 1, 2)], pa.date32()).cast(pa.int32()))[0].tolist() == [1]
