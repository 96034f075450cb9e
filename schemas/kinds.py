"""The kinds of text on the wire: how a whole column of one is read, and how one such text is, exactly.

The quick way reads what is written plainly and marks the rest; a marked text is no verdict. The exact way reads every form that the
contract allows, brings it into canonical form, and alone refuses, with a sentence. A kind holds both, side by side, so that whoever
narrows one sees the other; whatever the exact way refuses or would write otherwise, the quick way marks.

What is asked of values that were read, alone or together, is in `schemas.rules`.
"""

from __future__ import annotations

import datetime as dt
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import INSTANT, MONEY, SPEND, TEXT
from nisba.attribution.labels import normalised
from nisba.errors import AmountError, Refused
from nisba.money import AMOUNT_DIGITS, TABLE_DIGITS, milli_per_minor, minor_digits, parse_amount
from schemas.events import Data

__all__ = ["EPOCH", "KINDS", "Kind", "Mask", "fields_of_kind", "optional_texts", "parse_instant", "plain_decimal", "short", "without_empty"]

Mask: TypeAlias = npt.NDArray[np.bool_]
Read: TypeAlias = "tuple[pa.Array, Mask | None]"
"""A column, null where a text was not read, and which rows to look at again; None for none of them."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)
MAX_CHARACTERS = 256
MAX_INTEGER = 2**63 - 1
COST_DIGITS, COST_DECIMALS = 12, 6
"""What a platform bills: below 10^12, in millionths of any currency."""
_LOWER_CASE = "channel"
"""A field whose labels are lower-cased, as are those of every field of that kind."""

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DECIMAL = re.compile(r"(-?)0*(\d+)(?:\.(\d+))?", re.ASCII)

_PLAIN_INSTANT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)$"
_PLAIN_DATE = r"^\d{4}-\d\d-\d\d$"
_PLAIN_AMOUNT = rf"^-?\d{{1,{AMOUNT_DIGITS}}}(\.\d{{1,{TABLE_DIGITS}}})?$"
_PLAIN_COST = rf"^-?\d{{1,{COST_DIGITS}}}(\.\d{{1,{COST_DECIMALS}}})?$"
_PLAIN_RATE = r"^-?(0|[1-9]\d*)(\.\d*[1-9])?$"
_FIRST_US = (dt.datetime.min.replace(tzinfo=dt.timezone.utc) - EPOCH) // dt.timedelta(microseconds=1)
_LAST_US = (_LAST - EPOCH) // dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Kind:
    """A kind of value, read both ways."""

    column: Callable[[Any, Sequence[Any]], Read]
    """(a column of the wire, the `data` of its rows) → the column as the ledger holds it. Text comes as Arrow's, all else as a list."""
    one: Callable[[Any, str, Any], Any] | None = None
    """(value, its path, its `data`) → its canonical form; raises Refused. None: the types of `schemas.events` say it all."""
    texts: Callable[[pa.Array], list[Any]] | None = None
    """A column that was read → its canonical texts (or numbers). None: what is read by column is canonical as it is."""
    is_text: bool = True


@cache
def fields_of_kind(struct: type[Data], kind: str) -> tuple[str, ...]:
    """Return the fields whose values are of a kind of `KINDS`.

    >>> from schemas.events import Adjustment
    >>> fields_of_kind(Adjustment, "instant")
    ('effective_at',)
    """
    hints = typing.get_type_hints(struct, include_extras=True)
    return tuple(name for name, hint in hints.items() if kind in _kinds(hint))


@cache
def optional_texts(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the fields of text that may be left out: an empty one is none."""
    hints = typing.get_type_hints(struct, include_extras=True)
    texts = {name for name, kind in KINDS.items() if kind.is_text}
    return tuple(f.name for f in msgspec.structs.fields(struct) if not f.required and texts & {*_kinds(hints[f.name])})


def without_empty(column: pa.Array) -> pa.Array:
    """Return a column of text in which empty ones are null; the same object where there are none."""
    if pc.min(pc.binary_length(column)).as_py() != 0:
        return column
    return pc.if_else(pc.equal(column, ""), None, column)


def _kinds(hint: Any) -> Iterator[str]:
    if typing.get_origin(hint) is typing.Union:
        for option in typing.get_args(hint):
            yield from _kinds(option)
    for meta in getattr(hint, "__metadata__", ()):
        yield (meta.extra or {}).get("kind", "")


def _flagged(condition: pa.Array) -> Mask:
    """Return where a condition holds; null is no."""
    flags: Mask = condition.fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def _plain(column: pa.Array, pattern: str) -> Read:
    """Read texts of one form; others become null and are marked."""
    fits = pc.match_substring_regex(column, pattern)
    if pc.all(fits).as_py():
        return column, None
    return pc.if_else(fits, column, None), _flagged(pc.invert(fits))


def _or(left: Mask | None, right: Mask | None) -> Mask | None:
    return left if right is None else right if left is None else left | right


def _one_by_one(column: pa.Array, read: Callable[[str], Any], data_type: pa.DataType) -> Read:
    """Read a column value by value, each different one once; what cannot be read becomes null and is marked."""
    known = {text: _read_or_none(read, text) for text in pc.unique(column.drop_null()).to_pylist()}
    parsed = pa.array([known.get(text) for text in column.to_pylist()], data_type)
    return parsed, _flagged(pc.and_(parsed.is_null(), column.is_valid())) if None in known.values() else None


def _read_or_none(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except (ValueError, Refused):
        return None


def short(text: str) -> str:
    """Quote a text of a stranger, its beginning if it is long."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


# Texts and labels.


def _text_column(column: pa.Array, data: Sequence[Any]) -> Read:
    return column, None


def _labels(field: str) -> Kind:
    """Return the kind of the labels of a field: each different one is brought to its form once."""

    def read(column: pa.Array, data: Sequence[Any]) -> Read:
        written = pc.unique(column.drop_null()).to_pylist()
        forms = [normalised(label, field) for label in written]
        if forms == written:
            return column, None
        return pa.array(forms, TEXT).take(pc.index_in(column, pa.array(written, TEXT))), None

    return Kind(read, lambda text, path, data: normalised(text, field))


# Ids: 1 to 256 characters. Integers: 64 bits. The exact types say so, the lean ones do not.


def _id_column(column: pa.Array, data: Sequence[Any]) -> Read:
    bounds = pc.min_max(pc.binary_length(column)).as_py()
    if bounds["min"] is None or (bounds["min"] >= 1 and bounds["max"] <= MAX_CHARACTERS):
        return column, None
    lengths = pc.utf8_length(column)  # of more bytes the characters may still be few enough
    return column, _flagged(pc.or_(pc.equal(lengths, 0), pc.greater(lengths, MAX_CHARACTERS)))


def _ids_column(values: list[list[str] | None], data: Sequence[Any]) -> Read:
    wrong = np.fromiter((any(not 0 < len(i) <= MAX_CHARACTERS for i in v) if v else False for v in values), bool, len(values))
    return pa.array([v or None for v in values], pa.list_(TEXT)), wrong


def _integer_column(values: list[int | None], data: Sequence[Any]) -> Read:
    beyond = np.fromiter((v is not None and not -(2**63) <= v < 2**63 for v in values), bool, len(values))
    if not beyond.any():
        return pa.array(values, pa.int64()), None
    return pa.array([None if wrong else v for v, wrong in zip(values, beyond, strict=True)], pa.int64()), beyond


def _count_column(values: list[int | None], data: Sequence[Any]) -> Read:
    """Read counts; one that no column holds stands for the largest, which a rule refuses."""
    return _integer_column([value if value is None else min(value, MAX_INTEGER) for value in values], data)


def _number(value: float, path: str, data: Any) -> float:
    """Return a number by its value: 5.0 is 5.

    >>> _number(5.0, "", None), _number(71.5, "", None)
    (5, 71.5)
    """
    double = float(value)
    return int(double) if double.is_integer() and abs(double) < 2**53 else double


def _number_column(values: list[float | None], data: Sequence[Any]) -> Read:
    return pa.array(values, pa.float64()), None


def _numbers(column: pa.Array) -> list[float | None]:
    return [None if value is None else _number(value, "", None) for value in column.to_pylist()]


# Instants.


def _instant_column(texts: pa.Array, data: Sequence[Any]) -> Read:
    column, marked = _plain(texts, _PLAIN_INSTANT)
    try:
        parsed = column.cast(INSTANT)
    except pa.ArrowInvalid:  # a 30th of February: find it
        parsed, unread = _one_by_one(column, lambda text: parse_instant(text, ""), INSTANT)
        marked = _or(marked, unread)
    us = parsed.cast(pa.int64())
    bounds = pc.min_max(us)
    if us.null_count < len(us) and (bounds["min"].as_py() < _FIRST_US or bounds["max"].as_py() > _LAST_US):
        marked = _or(marked, _flagged(pc.or_(pc.less(us, _FIRST_US), pc.greater(us, _LAST_US))))
    return parsed, marked


def parse_instant(text: str, path: str) -> dt.datetime:
    """Read an RFC 3339 time with an offset as UTC; digits beyond microseconds are cut off.

    >>> parse_instant("2026-03-01T09:30:00.9999999+03:00", "$.time").isoformat()
    '2026-03-01T06:30:00.999999+00:00'

    What lies outside the years 1 to 9999 in UTC is as far away as can be: too far it is anyhow. Raises Refused for anything else: a
    naive time, a second of 60, a day that no calendar has.
    """
    match = RFC3339.fullmatch(text)
    if not match:
        hint = f"; where only the day is known, send {_field_of_the_day(path)}" if DATE.fullmatch(text) and path.endswith("_at") else ""
        raise Refused("schema", f"{path}: {short(text)} is not an RFC 3339 time such as 2026-03-01T09:30:00+03:00{hint}")
    day, clock, fraction, offset = match.groups()
    if offset is None:
        raise Refused("schema", f"{path}: {short(text)} has no offset: write Z or one such as +03:00, it is never guessed")
    try:
        local = dt.datetime.fromisoformat(f"{_with_year(day)}T{clock}+00:00").replace(microsecond=int(((fraction or "") + "000000")[:6]))
    except ValueError as error:
        raise Refused("schema", f"{path}: {short(text)} is no instant of the calendar ({error}); seconds run from 00 to 59") from None
    try:
        return local - _ahead(offset)
    except OverflowError:
        return EPOCH.replace(year=1) if local.year == 1 else _LAST


def _field_of_the_day(path: str) -> str:
    """Return the field of a date that may stand for an instant.

    >>> _field_of_the_day("$.data.closed_at")
    'closed_on'
    """
    return path.rpartition(".")[2].removesuffix("_at") + "_on"


def _with_year(day: str) -> str:
    """Write a day of the year 0, which Python has not, as one of the year 4: both are leap years, and too far away."""
    return f"0004{day[4:]}" if day.startswith("0000") else day


def _ahead(offset: str) -> dt.timedelta:
    """Return how far an offset is ahead of UTC.

    >>> _ahead("+03:30"), _ahead("-0330") == _ahead("-03:30"), _ahead("+03") == _ahead("+0300"), _ahead("Z")
    (datetime.timedelta(seconds=12600), True, True, datetime.timedelta(0))
    """
    if offset in "Zz":
        return dt.timedelta(0)
    digits = offset[1:].replace(":", "")
    ahead = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -ahead if offset[0] == "-" else ahead


def _instant(text: str, path: str, data: Any) -> str:
    return parse_instant(text, path).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _instant_texts(column: pa.Array) -> list[str | None]:
    """Write instants in UTC with six digits and Z."""
    texts = column.cast(pa.timestamp("us")).cast(TEXT).to_pylist()
    return [None if text is None else f"{text[:10]}T{text[11:]}Z" for text in texts]


# Dates.


def _date_column(texts: pa.Array, data: Sequence[Any]) -> Read:
    column, marked = _plain(texts, _PLAIN_DATE)
    parsed, unread = _one_by_one(column, dt.date.fromisoformat, pa.date32())
    return parsed, _or(marked, unread)


def _date(text: str, path: str, data: Any) -> str:
    try:
        if DATE.fullmatch(text):
            return dt.date.fromisoformat(_with_year(text)).isoformat()
    except ValueError:
        pass
    raise Refused("schema", f"{path}: {short(text)} is not a date such as 2026-03-01")


# Decimals: rates, currencies and amounts.


def plain_decimal(text: str) -> str | None:
    """Write a decimal without leading or trailing zeros; None when the text is no plain decimal.

    >>> plain_decimal("0012.500"), plain_decimal("-0.0"), plain_decimal("1e3")
    ('12.5', '0', None)
    """
    match = DECIMAL.fullmatch(text)
    if not match:
        return None
    sign, whole, fraction = match.groups()
    fraction = (fraction or "").rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return number if number == "0" else sign + number


def _rate_column(texts: pa.Array, data: Sequence[Any]) -> Read:
    column, marked = _plain(texts, _PLAIN_RATE)
    return column, _or(marked, _flagged(pc.or_(pc.equal(column, "-0"), pc.greater(pc.binary_length(column), MAX_CHARACTERS))))


def _rate(text: str, path: str, data: Any) -> str:
    plain = plain_decimal(text)
    if plain is None:
        raise Refused("schema", f'{path}: {short(text)} is not a decimal string such as "1.0834"')
    return plain


def _currency_column(column: pa.Array, data: Sequence[Any]) -> Read:
    unknown = [code for code in pc.unique(column.drop_null()).to_pylist() if not _step(code)]
    return column, _flagged(pc.is_in(column, value_set=pa.array(unknown, TEXT))) if unknown else None


def _currency(code: str, path: str, data: Any) -> str:
    if not code:
        raise Refused("schema", f"{path}: empty, and it is required: an ISO 4217 code such as 'EUR'")
    try:
        minor_digits(code)
    except AmountError as error:
        raise Refused("semantic", f"{path}: {error}") from None
    return code


def _amount_column(texts: pa.Array, data: Sequence[Any]) -> Read:
    column, marked = _plain(texts, _PLAIN_AMOUNT)
    money = column.cast(MONEY)
    if money.null_count == len(money):
        return money, marked
    milli = np.frombuffer(money.buffers()[1], dtype=np.int64)[::2][: len(money)]
    steps = {code: _step(code) or 1 for code in {d.currency for d in data}}  # no currency, or none that exists, is for others to say
    step = np.fromiter((steps[d.currency] for d in data), np.int64, len(data))
    known = money.is_valid().to_numpy(zero_copy_only=False)
    return money, _or(marked, known & (milli % step != 0))


def _step(code: str | None) -> int:
    """Return the thousandths in a minor unit of a currency; 0 where there is none."""
    try:
        return milli_per_minor(code) if code is not None else 0
    except AmountError:
        return 0


def _cost_column(texts: pa.Array, data: Sequence[Any]) -> Read:
    column, marked = _plain(texts, _PLAIN_COST)
    return column.cast(SPEND), marked


def _cost(text: str, path: str, data: Any) -> str:
    plain = _decimal_below(text, path, COST_DIGITS, "costs")
    if len(plain.partition(".")[2]) > COST_DECIMALS:
        raise Refused("semantic", f"{path}: {short(plain)} has more than {COST_DECIMALS} decimals, which is finer than any platform bills")
    return plain


def _decimal_below(text: str, path: str, digits: int, what: str) -> str:
    plain = plain_decimal(text)
    if plain is None:
        raise Refused("schema", f'{path}: {short(text)} is not a decimal string such as "1234.50"')
    if abs(Decimal(plain)) >= 10**digits:
        raise Refused("schema", f"{path}: {short(text)} is out of range: the books hold {what} below 10^{digits}")
    return plain


def _amount(text: str, path: str, data: Any) -> str:
    plain = _decimal_below(text, path, AMOUNT_DIGITS, "amounts")
    if data.currency is None:
        return _amount_of_no_currency(plain, path)
    try:
        return format(parse_amount(plain, data.currency), "f")
    except AmountError as error:
        message = str(error)
        raise Refused("semantic", f"{path}: {message if len(message) <= 200 else message[:200] + '…'}") from None


def _amount_of_no_currency(plain: str, path: str) -> str:
    """Return the amount: that it lacks a currency is for a rule to say."""
    if len(plain.partition(".")[2]) > TABLE_DIGITS:
        raise Refused("semantic", f"{path}: {short(plain)} has more decimals than any currency has ({TABLE_DIGITS})")
    return plain


def _amount_texts(column: pa.Array) -> list[str | None]:
    """Write money without trailing zeros."""
    texts: list[str | None] = pc.replace_substring_regex(column.cast(TEXT), r"\.?0+$", "").to_pylist()
    return texts


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "id": Kind(_id_column),
        "ids": Kind(_ids_column, is_text=False),
        "text": Kind(_text_column),
        "label": _labels(""),
        "lower_case_label": _labels(_LOWER_CASE),
        "integer": Kind(_integer_column, is_text=False),
        "count": Kind(_count_column, is_text=False),
        "number": Kind(_number_column, _number, _numbers, is_text=False),
        "instant": Kind(_instant_column, _instant, _instant_texts),
        "date": Kind(_date_column, _date),
        "rate": Kind(_rate_column, _rate),
        "currency": Kind(_currency_column, _currency),
        "amount": Kind(_amount_column, _amount, _amount_texts),
        "cost": Kind(_cost_column, _cost, _amount_texts),
    }
)
"""All kinds, in the order in which they are read exactly: an amount is read in its currency."""
