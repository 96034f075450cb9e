"""Payloads of shards, as the attribution makes them of a small company's facts."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from nisba.attribution import resolve
from nisba.attribution.facts import FACT_TYPES, Facts, ledger_schema
from nisba.config import Config
from schemas.decoder import decode_block
from tests.kafka_records import touch, won_deal
from tests.unit.pipelines.events import record_block


def small_facts() -> Facts:
    """Return the facts of 60 touches and 12 won deals of 12 accounts."""
    values = [record.value for record in (*(touch(n, accounts=12) for n in range(60)), *(won_deal(n, accounts=12) for n in range(12)))]
    decoded: dict[str, list[pa.Table]] = defaultdict(list)
    for fact_type, table in decode_block(record_block(values)).facts.items():
        decoded[fact_type].append(table)
    return Facts(**{name: pa.concat_tables(decoded[name]) if decoded[name] else ledger_schema(name).empty_table() for name in FACT_TYPES})


def payloads(*, shards: int) -> list[tuple[int, bytes]]:
    """Return (shard, payload) of the company's accounts."""
    return list(resolve(small_facts(), Config()).shards(shards))
