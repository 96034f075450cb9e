"""From payloads to the columns of facts, a column at a time."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from nisba.attribution.facts import INSTANT, MONEY, PAYLOAD, ledger_schema
from schemas.canonical import content_hash, normal_number
from schemas.events import BY_FACT_TYPE, Payload

__all__ = ["SHARDS", "fact_table", "instants_us", "partition_key", "shard_of"]

SHARDS = 64
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_JSON = msgspec.json.Encoder(order="sorted")
_OWN_ID = {
    "touch": "account_id",
    "retraction": "touch_id",
    "campaign": "campaign_id",
    "spend": "campaign_id",
    "lead_stage": "lead_id",
    "deal": "deal_id",
    "adjustment": "deal_id",
    "fx": "base",
}


def shard_of(key: str) -> int:
    """Return the shard of a partition key: crc32 modulo SHARDS."""
    return zlib.crc32(key.encode()) % SHARDS


def partition_key(fact_type: str, data: Any) -> str:
    """Return the record key of a payload: account_id, else the anonymous entity (`visitor:v-81`), else the object's own id.

    `data` is a struct or a dict.
    """
    get: Callable[[str], Any] = data.get if isinstance(data, Mapping) else lambda name: getattr(data, name, None)
    if get("account_id") is not None:
        return str(get("account_id"))
    for kind in ("visitor", "person"):
        if get(f"{kind}_id") is not None:
            return f"{kind}:{get(f'{kind}_id')}"
    if fact_type == "identity":
        return _pair_key(get("left"), get("right"))
    return str(get(_OWN_ID[fact_type]))


def _pair_key(*nodes: Any) -> str:
    """Return one key for a pair, in whatever order it is named."""
    ends = [(n["kind"], n["id"]) if isinstance(n, Mapping) else (n.kind, n.id) for n in nodes]
    return ":".join(min(ends))


def instants_us(times: Sequence[dt.datetime | None]) -> pa.Array:
    """Return microseconds since 1970 in UTC, as int64."""
    deltas = [None if time is None else time - EPOCH for time in times]
    return pa.array(deltas, pa.duration("us")).view(pa.int64())


def fact_table(
    fact_type: str,
    sources: Sequence[str],
    ids: Sequence[str],
    times: Sequence[dt.datetime],
    datas: Sequence[Payload],
    topic: str,
    partition: int,
    offsets: Sequence[int],
) -> pa.Table:
    """Return facts of one type as the columns of `ledger_schema`; all sequences have one item per fact."""
    schema = ledger_schema(fact_type)
    occurred = instants_us(times)
    hashes = [content_hash(us, data) for us, data in zip(occurred.to_pylist(), datas, strict=True)]
    count = len(datas)
    arrays = [
        pa.array(sources, pa.string()),
        pa.array(ids, pa.string()),
        occurred.view(pa.timestamp("us")).cast(INSTANT),
        *_payload_arrays(fact_type, datas),
        pa.array(hashes, pa.uint64()),
        pa.array([shard_of(partition_key(fact_type, data)) for data in datas], pa.int32()),
        pa.repeat(pa.scalar(topic, pa.string()), count),
        pa.repeat(pa.scalar(partition, pa.int32()), count),
        pa.array(offsets, pa.int64()),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _payload_arrays(fact_type: str, datas: Sequence[Payload]) -> list[pa.Array]:
    fields = BY_FACT_TYPE[fact_type].payload.__struct_fields__
    columns: dict[str, Sequence[Any]] = dict(zip(fields, zip(*map(attrgetter(*fields), datas), strict=True), strict=True))
    if fact_type == "touch":
        columns |= _split(columns.pop("utm"), "utm", ("source", "medium", "campaign", "term", "content"))
    if fact_type == "identity":
        for side in ("left", "right"):
            columns |= _split(columns.pop(side), side, ("kind", "id"))
    if fact_type == "spend":
        columns["ends_on"] = [end or start for end, start in zip(columns["ends_on"], columns["starts_on"], strict=True)]
    if fact_type == "fx":
        columns["rate"] = [normal_number(rate) for rate in columns["rate"]]
    return [_array(name, kind, columns[name]) for name, kind in PAYLOAD[fact_type]]


def _split(values: Sequence[Any], prefix: str, names: tuple[str, ...]) -> dict[str, list[Any]]:
    if not any(values):
        return {f"{prefix}_{name}": [None] * len(values) for name in names}
    return {f"{prefix}_{name}": [None if value is None else getattr(value, name) for value in values] for name in names}


def _array(name: str, kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    if name == "attributes":
        return pa.array([None if value is None else _JSON.encode(value).decode() for value in values], kind)
    if kind == MONEY:
        return pa.array([None if value is None else Decimal(value) for value in values], kind)
    if kind == INSTANT:
        return instants_us(values).view(pa.timestamp("us")).cast(INSTANT)
    return pa.array(values, kind)
