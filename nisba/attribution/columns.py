"""Columns in and out: Arrow text to order-preserving codes, instants and money to int64, and back.

Text is compared as UTF-8 bytes everywhere; codes of a `Vocabulary` compare like the text they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import INSTANT, MONEY, SPEND, TEXT

__all__ = [
    "Bools",
    "Ints",
    "Vocabulary",
    "bisect",
    "combine",
    "days",
    "decimals",
    "dictionary",
    "distinct",
    "encode",
    "instants",
    "instants_array",
    "integers",
    "millionths",
    "numbered",
    "runs",
    "text",
    "thousandths",
    "total_order",
]

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


def combine(column: Any) -> Any:
    """Return the column as one Arrow array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def text(column: Any) -> Any:
    """Return a text column, however it is encoded, as one plain string array."""
    array = combine(column)
    return array if array.type == TEXT else array.cast(TEXT)


def integers(column: Any) -> tuple[Ints, Bools]:
    """Return an integer-like column as (int64 values with 0 for null, which are there)."""
    array = combine(column)
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    values = array.cast(pa.int64())
    return np.asarray(values.fill_null(0) if values.null_count else values, dtype=np.int64), valid


def instants(column: Any) -> tuple[Ints, Bools]:
    """Return instants as (microseconds since 1970 in UTC with 0 for null, which are there)."""
    return integers(combine(column).cast(INSTANT))


def days(column: Any) -> Ints:
    """Return dates, none of them null, as days since 1970-01-01."""
    return np.asarray(combine(column).cast(pa.date32()).cast(pa.int32()), dtype=np.int64)


def thousandths(column: Any) -> tuple[Ints, Bools]:
    """Return money, DECIMAL(18, 3), as (int64 thousandths with 0 for null, which are there)."""
    return _unscaled(column, MONEY)


def millionths(column: Any) -> tuple[Ints, Bools]:
    """Return what was spent, DECIMAL(18, 6), as (int64 millionths with 0 for null, which are there)."""
    return _unscaled(column, SPEND)


def _unscaled(column: Any, decimal_type: Any) -> tuple[Ints, Bools]:
    array = combine(column).cast(decimal_type)
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    if not len(array):
        return np.zeros(0, dtype=np.int64), valid
    words = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)
    low = words[array.offset : array.offset + len(array), 0]
    return np.where(valid, low, 0), valid


def decimals(values: Ints, decimal_type: Any, valid: Bools | None = None) -> Any:
    """Return unscaled int64 values as a decimal128 column; null where not `valid`."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    np.right_shift(values, 63, out=words[:, 1])
    return pa.Array.from_buffers(decimal_type, len(values), [_bitmap(valid), pa.py_buffer(words)])


def instants_array(values: Ints, valid: Bools | None = None) -> Any:
    """Return microseconds since 1970 as an instant column; null where not `valid`."""
    return pa.Array.from_buffers(INSTANT, len(values), [_bitmap(valid), pa.py_buffer(np.ascontiguousarray(values))])


def _bitmap(valid: Bools | None) -> Any:
    if valid is None or valid.all():
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def dictionary(codes: npt.NDArray[Any], values: Any) -> Any:
    """Return a dictionary column of `values` from codes; a negative code is null."""
    width = np.int8 if len(values) < 128 else np.int32
    missing = codes < 0
    mask = missing if missing.any() else None
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(width), mask=mask), values)


def encode(column: Any) -> tuple[Ints, Any]:
    """Return (codes, distinct values) of a text column in no particular order; -1 is null."""
    array = combine(column)
    if not pa.types.is_dictionary(array.type):
        array = text(array).dictionary_encode()
    indices = array.indices.cast(pa.int64())
    return np.asarray(indices.fill_null(-1) if indices.null_count else indices), text(array.dictionary)


@dataclass(frozen=True)
class Vocabulary:
    """Distinct strings in UTF-8 byte order; the code of a string is its place."""

    values: Any

    @classmethod
    def of(cls, *columns: Any) -> Vocabulary:
        """Collect the distinct strings of some text columns."""
        parts = [encode(column)[1].drop_null() for column in columns]
        distinct = pc.unique(pa.chunked_array(parts, type=TEXT))
        return cls(text(distinct.take(pc.sort_indices(distinct))))

    def __len__(self) -> int:
        return len(self.values)

    def codes(self, column: Any) -> Ints:
        """Return the code of each row; -1 for null and for strings that are not in the vocabulary."""
        codes, distinct = encode(column)
        places = pc.index_in(distinct, value_set=self.values).fill_null(-1)
        table = np.append(np.asarray(places, dtype=np.int64), -1)
        return np.asarray(table[codes], dtype=np.int64)


def total_order(keys: Sequence[npt.NDArray[Any]], source: Any, event_id: Any, last: Ints | None = None) -> Ints:
    """Return the permutation that sorts rows by integer keys, then by (source, event_id[, last]), text as bytes.

    Text is looked at only where the integer keys are equal.
    """
    order = np.argsort(keys[0], kind="stable") if len(keys) == 1 else np.lexsort(tuple(reversed(keys)))
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    if not same.any():
        return order
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    rows = order[tied]
    run = np.cumsum(~np.insert(same, 0, False))[tied]
    columns = {
        "run": run,
        "source": text(source).take(rows),
        "id": text(event_id).take(rows),
        "last": rows * 0 if last is None else last[rows],
    }
    order[tied] = rows[np.asarray(pc.sort_indices(pa.table(columns), sort_keys=[(name, "ascending") for name in columns]))]
    return order


def distinct(values: Ints) -> Ints:
    """Return the distinct values, ascending. Sorting integers is many times quicker than `np.unique`, which hashes them.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def numbered(keys: Ints) -> Ints:
    """Return 1, 2, … within each run of equal keys; the keys are sorted.

    >>> numbered(np.array([4, 4, 7])).tolist()
    [1, 2, 1]
    """
    return np.arange(len(keys)) - np.searchsorted(keys, keys) + 1


def runs(starts: Ints, lengths: Ints) -> Ints:
    """Return the numbers start, start + 1, … of every run, one run after the other.

    >>> runs(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    result: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return result


def bisect(values: Ints, low: Ints, high: Ints, targets: Ints, *, right: bool) -> Ints:
    """Find each target in its own sorted slice `values[low:high]`: the place of `bisect_right` (or `bisect_left`)."""
    low, high = low.copy(), high.copy()
    while True:
        open_ = np.flatnonzero(low < high)
        if not len(open_):
            return low
        middle = (low[open_] + high[open_]) // 2
        found = values[middle]
        before = (found <= targets[open_]) if right else (found < targets[open_])
        low[open_[before]] = middle[before] + 1
        high[open_[~before]] = middle[~before]
