"""From decoded events of one type to the ledger's columns: a column at a time, with a mask of the rows to look at again.

A row is suspicious when a rule over its whole column does not hold for it. Suspicious rows are no verdict: the decoder gives
each of them to `schemas.checks`, which refuses it with a message or returns it in canonical form.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import INSTANT, MONEY, PAYLOAD, ledger_schema
from nisba.money import AmountError, milli_per_minor
from schemas.checks import EPOCH, Refused, fields_of_kind, parse_instant
from schemas.envelope import ENCODER
from schemas.events import BY_FACT_TYPE, Utm
from schemas.keys import shard_of

__all__ = ["Rows", "fact_table"]

Mask = npt.NDArray[np.bool_]

_INSTANT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
_DATE = r"^\d{4}-\d\d-\d\d$"
_AMOUNT = r"^-?\d{1,12}(\.\d{1,3})?$"
_RATE = r"^(0|[1-9]\d*)(\.\d*[1-9])?$"
_FIRST_US = (dt.datetime.min.replace(tzinfo=dt.timezone.utc) - EPOCH) // dt.timedelta(microseconds=1)
_LAST_US = (dt.datetime.max.replace(tzinfo=dt.timezone.utc) - EPOCH) // dt.timedelta(microseconds=1)
_NO_UTM = Utm()


@dataclass
class Rows:
    """Events of one type: where each is in its block, and what it says."""

    places: list[int] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.places)


def fact_table(fact_type: str, rows: Rows, topic: str, partition: int, offsets: npt.NDArray[np.int64]) -> tuple[pa.Table, Mask]:
    """Return the ledger's columns of some events, and which of these rows are suspicious.

    Shape: as many rows as events, in their order; `offsets` are those of the whole block.
    """
    build = _Build(fact_type, rows.events)
    columns = {"source": build.id([e.source for e in rows.events]), "event_id": build.id([e.id for e in rows.events])}
    columns["occurred_at"] = build.instant([e.time for e in rows.events])
    columns |= {name: build.payload(name, data_type) for name, data_type in PAYLOAD[fact_type]}
    build.check_whole(columns)
    build.make_canonical(columns)
    columns["content_hash"] = _hashes(columns["occurred_at"], build.data)
    columns["shard"] = _shards(fact_type, columns)
    columns["topic"] = pa.repeat(pa.scalar(topic, pa.string()), len(rows))
    columns["kafka_partition"] = pa.repeat(pa.scalar(partition, pa.int32()), len(rows))
    columns["kafka_offset"] = pa.array(offsets[rows.places])
    schema = ledger_schema(fact_type)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema), build.suspicious


class _Build:
    """Columns of one type under construction; `suspicious` collects what their rules find."""

    def __init__(self, fact_type: str, events: Sequence[Any]) -> None:
        self.fact_type = fact_type
        self.data = [event.data for event in events]
        self.suspicious: Mask = np.zeros(len(events), dtype=bool)
        struct = BY_FACT_TYPE[fact_type].struct
        self.kinds = {name: kind for kind in ("id", "instant", "date", "amount", "rate") for name in fields_of_kind(struct, kind)}
        given = [d.utm for d in self.data] if fact_type == "touch" else []
        self.has_utm = any(given)
        self.utm = [utm or _NO_UTM for utm in given] if self.has_utm else []
        self.steps = self._steps() if "amount" in self.kinds.values() else None

    def values(self, name: str) -> list[Any]:
        """Return a column of `data` as Python values; nested fields by their flat name."""
        side, _, rest = name.partition("_")
        if side == "utm":
            return list(map(operator.attrgetter(rest), self.utm))
        if self.fact_type == "identity" and rest:
            return [getattr(getattr(d, side), rest) for d in self.data]
        return list(map(operator.attrgetter(name), self.data))

    def payload(self, name: str, data_type: pa.DataType) -> pa.Array:
        """Return one column of the payload."""
        if name.startswith("utm_") and not self.has_utm:
            return pa.nulls(len(self.data), data_type)
        values = self.values(name)
        if name == "attributes":
            return pa.array(_attribute_texts(values), data_type)
        if pa.types.is_list(data_type):
            return self.ids(values)
        kind = self.kinds.get(name, "id" if name in ("left_id", "right_id") else None)
        if kind is not None:
            column: pa.Array = getattr(self, kind)(values)
            return column
        if data_type == pa.int64():
            values = self.integers(values)
        column = pa.array(values, data_type)
        return column.fill_null(False if name == "deleted" else 0) if name in ("deleted", "revision") else column

    def id(self, values: list[str | None]) -> pa.Array:
        """Return a column of ids: 1 to 256 characters."""
        column = pa.array(values, pa.string())
        bounds = pc.min_max(pc.binary_length(column)).as_py()
        if bounds["min"] is not None and (bounds["min"] < 1 or bounds["max"] > 256):  # bytes; characters may still be few enough
            lengths = pc.utf8_length(column)
            self.flag(pc.or_(pc.equal(lengths, 0), pc.greater(lengths, 256)))
        return column

    def ids(self, values: list[list[str] | None]) -> pa.Array:
        """Return a column of lists of ids; an empty list is none."""
        self.suspicious |= np.fromiter((any(not 0 < len(i) <= 256 for i in v) if v else False for v in values), bool, len(values))
        return pa.array([v or None for v in values], pa.list_(pa.string()))

    def integers(self, values: list[int | None]) -> list[int | None]:
        """Return integers that fit 64 bits; larger ones are flagged."""
        beyond = np.fromiter((v is not None and not -(2**63) <= v < 2**63 for v in values), bool, len(values))
        if not beyond.any():
            return values
        self.suspicious |= beyond
        return [None if wrong else v for v, wrong in zip(values, beyond, strict=True)]

    def instant(self, values: list[str | None]) -> pa.Array:
        """Return a column of instants."""
        column = self.shaped(values, _INSTANT)
        try:
            parsed = column.cast(INSTANT)
        except pa.ArrowInvalid:  # a 30th of February: find it
            parsed = self.one_by_one(column, lambda text: parse_instant(text, ""), INSTANT)
        us = parsed.cast(pa.int64())
        bounds = pc.min_max(us)
        if len(us) > us.null_count and (bounds["min"].as_py() < _FIRST_US or bounds["max"].as_py() > _LAST_US):
            self.flag(pc.or_(pc.less(us, _FIRST_US), pc.greater(us, _LAST_US)))
        return parsed

    def date(self, values: list[str | None]) -> pa.Array:
        """Return a column of dates."""
        column = self.shaped(values, _DATE)
        return self.one_by_one(column, dt.date.fromisoformat, pa.date32())

    def amount(self, values: list[str | None]) -> pa.Array:
        """Return a column of money, in units of the row's currency."""
        column = self.shaped(values, _AMOUNT).cast(MONEY)
        milli = np.frombuffer(column.buffers()[1], dtype=np.int64)[::2][: len(column)] if len(column) else np.empty(0, np.int64)
        assert self.steps is not None
        known = column.is_valid().to_numpy(zero_copy_only=False)
        self.suspicious |= known & ((self.steps == 0) | (milli % np.maximum(self.steps, 1) != 0))
        return column

    def rate(self, values: list[str | None]) -> pa.Array:
        """Return a column of exact rates, as plain decimals."""
        column = self.shaped(values, _RATE)
        self.flag(pc.equal(column, "0"))
        self.flag(pc.greater(pc.binary_length(column), 256))
        return column

    def shaped(self, values: list[str | None], pattern: str) -> pa.Array:
        """Return a column of text; what does not look right becomes null and is flagged."""
        column = pa.array(values, pa.string())
        fits = pc.match_substring_regex(column, pattern)
        if pc.all(fits).as_py():
            return column
        self.flag(pc.invert(fits))
        return pc.if_else(fits, column, None)

    def one_by_one(self, column: pa.Array, read: Callable[[str], Any], data_type: pa.DataType) -> pa.Array:
        """Read a column value by value, each different one once; what cannot be read becomes null and is flagged."""
        known: dict[str, Any] = {}
        for text in pc.unique(column.drop_null()).to_pylist():
            known[text] = _read_or_none(read, text)
        parsed = pa.array([known.get(text) for text in column.to_pylist()], data_type)
        self.flag(pc.and_(parsed.is_null(), column.is_valid()))
        return parsed

    def flag(self, condition: pa.Array) -> None:
        """Add rows to the suspicious ones."""
        self.suspicious |= condition.fill_null(False).to_numpy(zero_copy_only=False)

    def _steps(self) -> npt.NDArray[np.int64]:
        """Return the thousandths in a minor unit of each row's currency; 0 where there is none."""
        known = {code: _step(code) for code in {d.currency for d in self.data}}
        return np.fromiter((known[d.currency] for d in self.data), np.int64, len(self.data))

    def check_whole(self, columns: dict[str, pa.Array]) -> None:
        """Flag events whose fields do not go together."""
        if self.fact_type in _WHOLE:
            wrong = _WHOLE[self.fact_type]
            self.suspicious |= np.fromiter(map(wrong, self.data), bool, len(self.data))
        if self.fact_type == "spend":
            columns["ends_on"] = pc.coalesce(columns["ends_on"], columns["starts_on"])
        if self.fact_type in ("spend", "campaign"):
            self.flag(pc.less(columns["ends_on"], columns["starts_on"]))
        if self.fact_type == "deal":
            self.flag(pc.less(columns["amount"], pa.scalar(0, MONEY)))

    def make_canonical(self, columns: dict[str, pa.Array]) -> None:
        """Write canonical text back into `data`, and leave defaults out."""
        for name, kind in self.kinds.items():
            if kind in ("instant", "amount"):
                texts = (_instant_texts if kind == "instant" else _amount_texts)(columns[name])
                for data, text in zip(self.data, texts, strict=True):
                    setattr(data, name, text)
        for leave_out in _DEFAULTS.get(self.fact_type, ()):
            for data in self.data:
                leave_out(data)
        if self.has_utm:
            empty = reduce(pc.and_, (columns[f"utm_{name}"].is_null() for name in Utm.__struct_fields__))
            for row in np.flatnonzero(empty.to_numpy(zero_copy_only=False)):
                self.data[row].utm = None


def _read_or_none(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except (ValueError, Refused):
        return None


def _step(code: str | None) -> int:
    try:
        return milli_per_minor(code) if code is not None else 0
    except AmountError:
        return 0


def _unknown(code: str) -> bool:
    return _step(code) == 0


def _deal_is_wrong(deal: Any) -> bool:
    has_amount = deal.amount is not None
    return (
        has_amount != (deal.currency is not None)
        or (deal.status != "open" and (deal.closed_at is None or (deal.status == "won" and not has_amount)))
        or (deal.list_amount is not None and not has_amount)
        or deal.segment == "all"
        or (has_amount and _unknown(deal.currency))
    )


def _budget_is_wrong(campaign: Any) -> bool:
    return (campaign.budget is not None and campaign.currency is None) or (campaign.currency is not None and _unknown(campaign.currency))


_WHOLE: dict[str, Callable[[Any], bool]] = {
    "touch": lambda t: t.account_id is None and t.person_id is None and t.visitor_id is None,
    "deal": _deal_is_wrong,
    "campaign": _budget_is_wrong,
    "identity": lambda i: i.left.id == i.right.id and i.left.kind == i.right.kind,
    "fx": lambda f: _unknown(f.base) or _unknown(f.quote),
    "erasure": lambda e: (e.person_id is None) == (e.visitor_id is None),
}


def _deal_defaults(deal: Any) -> None:
    deal.revision = deal.revision or None
    deal.deleted = deal.deleted or None
    deal.contact_ids = deal.contact_ids or None


def _spend_defaults(spend: Any) -> None:
    spend.revision = spend.revision or None
    if spend.ends_on == spend.starts_on:
        spend.ends_on = None


_DEFAULTS: dict[str, tuple[Callable[[Any], None], ...]] = {"deal": (_deal_defaults,), "spend": (_spend_defaults,)}


def _instant_texts(column: pa.Array) -> list[str | None]:
    """Write instants in UTC with six digits and Z."""
    texts = column.cast(pa.timestamp("us")).cast(pa.string()).to_pylist()
    return [None if text is None else f"{text[:10]}T{text[11:]}Z" for text in texts]


def _amount_texts(column: pa.Array) -> list[str | None]:
    """Write money without trailing zeros."""
    texts: list[str | None] = pc.replace_substring_regex(column.cast(pa.string()), r"\.?0+$", "").to_pylist()
    return texts


def _attribute_texts(values: list[dict[str, Any] | None]) -> list[str | None]:
    """Write free-form attributes as canonical JSON."""
    if not any(value is not None for value in values):
        return [None] * len(values)
    texts = ENCODER.encode_lines(values).decode().split("\n")
    return [None if value is None else text for value, text in zip(values, texts, strict=False)]


def _hashes(occurred_at: pa.Array, data: list[Any]) -> pa.Array:
    """Return the content hash of each event: as `schemas.canonical.hash_of`."""
    if not data:
        return pa.array([], pa.uint64())
    times = occurred_at.cast(pa.int64()).fill_null(0).to_numpy().astype("<i8").tobytes()
    forms = ENCODER.encode_lines(data).split(b"\n")
    stamps = [times[at : at + 8] for at in range(0, len(times), 8)]
    digests = [blake2b(stamp + form, digest_size=8).digest() for stamp, form in zip(stamps, forms, strict=False)]
    return pa.array(np.frombuffer(b"".join(digests), dtype="<u8"))


def _shards(fact_type: str, columns: dict[str, pa.Array]) -> pa.Array:
    keys = _key_column(fact_type, columns).fill_null("").dictionary_encode()
    shards = np.fromiter((shard_of(key) for key in keys.dictionary.to_pylist()), np.int32, len(keys.dictionary))
    return pa.array(shards[keys.indices.to_numpy()])


def _key_column(fact_type: str, columns: dict[str, pa.Array]) -> pa.Array:
    """Return the partition keys of a table: `schemas.keys.partition_key`, by column."""
    if fact_type == "identity":
        return pc.min_element_wise(*(pc.binary_join_element_wise(columns[f"{s}_kind"], columns[f"{s}_id"], ":") for s in ("left", "right")))
    actors = [
        columns[name] if not kind else pc.binary_join_element_wise(kind, columns[name], ":")
        for name, kind in (("account_id", ""), ("visitor_id", "visitor"), ("person_id", "person"))
        if name in columns and columns[name].null_count < len(columns[name])
    ]
    own = BY_FACT_TYPE[fact_type].own_id
    if own:
        actors.append(reduce(lambda a, b: pc.binary_join_element_wise(a, b, "/"), [columns[name] for name in own]))
    return pc.coalesce(*actors) if actors else pa.nulls(len(columns["source"]), pa.string())
