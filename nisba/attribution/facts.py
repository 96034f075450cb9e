"""The columns of facts: what the decoder makes, the ledger holds and the core reads.

A fact is one accepted event. Its identity is (`source`, `event_id`) within its type; conflicts are settled before the
core sees them, so a `Facts` holds each identity once. The rows of a table are in no particular order, ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pyarrow as pa

from nisba.errors import ContractError

__all__ = ["FACT_TYPES", "IDENTITY", "INSTANT", "MONEY", "PAYLOAD", "PROVENANCE", "SPEND", "TEXT", "Facts", "ledger_schema"]

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 3)
SPEND = pa.decimal128(18, 6)
"""What a platform bills: millionths, in any currency."""
TEXT = pa.string()

IDENTITY: tuple[tuple[str, pa.DataType], ...] = (("source", TEXT), ("event_id", TEXT), ("occurred_at", INSTANT))
"""First columns of every fact: who says so, under which id, and when it happened (the event's `time`)."""

PAYLOAD: Mapping[str, tuple[tuple[str, pa.DataType], ...]] = {
    "touch": (
        ("account_id", TEXT),
        ("person_id", TEXT),
        ("visitor_id", TEXT),
        ("channel", TEXT),
        ("kind", TEXT),
        ("team", TEXT),
        ("campaign_id", TEXT),
        ("url", TEXT),
        ("referrer", TEXT),
        ("utm_source", TEXT),
        ("utm_medium", TEXT),
        ("utm_campaign", TEXT),
        ("utm_term", TEXT),
        ("utm_content", TEXT),
        ("attributes", TEXT),  # canonical JSON
    ),
    "retraction": (("touch_source", TEXT), ("touch_id", TEXT), ("reason", TEXT)),
    "campaign": (
        ("campaign_id", TEXT),
        ("name", TEXT),
        ("channel", TEXT),
        ("campaign_type", TEXT),
        ("parent_id", TEXT),
        ("same_as", TEXT),  # this id is another name of that campaign
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
        ("budget", MONEY),
        ("currency", TEXT),
        ("owner", TEXT),
    ),
    "spend": (
        ("campaign_id", TEXT),
        ("spend_id", TEXT),  # names a row that is finer than campaign and day
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),  # never null: the default, starts_on, is filled in
        ("amount", SPEND),
        ("currency", TEXT),
        ("impressions", pa.int64()),
        ("clicks", pa.int64()),
        ("leads", pa.int64()),
        ("revision", pa.int64()),
    ),
    "account": (
        ("account_id", TEXT),
        ("name", TEXT),
        ("segment", TEXT),
        ("region", TEXT),
        ("industry", TEXT),
        ("employees", pa.int64()),
        ("owner", TEXT),
        ("parent_id", TEXT),
        ("revision", pa.int64()),  # never null: default 0
        ("deleted", pa.bool_()),  # never null: default false
    ),
    "lead_stage": (
        ("lead_id", TEXT),
        ("stage", TEXT),
        ("person_id", TEXT),
        ("account_id", TEXT),
        ("deal_id", TEXT),
        ("owner", TEXT),
        ("team", TEXT),
        ("reason", TEXT),
        ("score", pa.float64()),
        ("rule_version", TEXT),
        ("attributes", TEXT),
    ),
    "deal": (
        ("deal_id", TEXT),
        ("account_id", TEXT),
        ("name", TEXT),
        ("stage", TEXT),
        ("status", TEXT),
        ("opened_at", INSTANT),
        ("opened_on", pa.date32()),  # where the CRM knows the day alone
        ("amount", MONEY),
        ("currency", TEXT),
        ("closed_at", INSTANT),
        ("closed_on", pa.date32()),
        ("revision", pa.int64()),  # never null: default 0
        ("deal_type", TEXT),
        ("owner", TEXT),
        ("segment", TEXT),
        ("region", TEXT),
        ("product", TEXT),
        ("lead_source", TEXT),
        ("list_amount", MONEY),
        ("contact_ids", pa.list_(TEXT)),
        ("primary_contact_id", TEXT),
        ("loss_reason", TEXT),
        ("next_step", TEXT),
        ("deleted", pa.bool_()),  # never null: default false
    ),
    "adjustment": (
        ("adjustment_id", TEXT),
        ("deal_id", TEXT),
        ("amount", MONEY),
        ("currency", TEXT),
        ("effective_at", INSTANT),
        ("effective_on", pa.date32()),
        ("reason", TEXT),
    ),
    "identity": (
        ("op", TEXT),
        ("left_kind", TEXT),
        ("left_id", TEXT),
        ("right_kind", TEXT),
        ("right_id", TEXT),
        ("since", INSTANT),  # of a membership: it holds at since <= t < until
        ("until", INSTANT),
    ),
    "fx": (("date", pa.date32()), ("base", TEXT), ("quote", TEXT), ("rate", TEXT)),  # rate: a plain decimal, exact
    "erasure": (("person_id", TEXT), ("visitor_id", TEXT), ("reason", TEXT)),
}
"""Payload columns per fact type: the fields of `data`, flat; nulls where an optional field is absent."""

FACT_TYPES: tuple[str, ...] = tuple(PAYLOAD)

PROVENANCE: tuple[tuple[str, pa.DataType], ...] = (
    ("content_hash", pa.uint64()),  # of the canonical form of `time` and `data`: tells a duplicate from a conflict
    ("topic", TEXT),  # or the file, relative to its directory
    ("kafka_partition", pa.int32()),  # 0 for a file
    ("kafka_offset", pa.int64()),  # or the 0-based line (row) of the file
    ("identity_hash", pa.uint64()),  # of source and event_id: half of md5, the same in DuckDB (see `schemas.keys`)
)
"""Where a fact came from. No figure depends on these columns."""


def ledger_schema(fact_type: str, *, provenance: bool = True) -> pa.Schema:
    """Return the columns of a fact type: identity, payload and, unless told otherwise, provenance.

    The ledger adds `recorded_at`, the time of landing, which the warehouse fills in.
    """
    return pa.schema([*IDENTITY, *PAYLOAD[fact_type], *(PROVENANCE if provenance else ())])


@dataclass(frozen=True)
class Facts:
    """A set of facts, one table per type; the columns of `ledger_schema` (further columns are ignored)."""

    touch: pa.Table
    retraction: pa.Table
    campaign: pa.Table
    spend: pa.Table
    account: pa.Table
    lead_stage: pa.Table
    deal: pa.Table
    adjustment: pa.Table
    identity: pa.Table
    fx: pa.Table
    erasure: pa.Table

    @classmethod
    def of(cls, **tables: pa.Table) -> Facts:
        """Make facts of some tables; types that are not named are empty.

        Raises ContractError for an unknown type or a missing column.
        """
        for fact_type, table in tables.items():
            _check(fact_type, table)
        empty = {t: ledger_schema(t, provenance=False).empty_table() for t in FACT_TYPES if t not in tables}
        return cls(**empty, **tables)

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by type."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _check(fact_type: str, table: pa.Table) -> None:
    if fact_type not in PAYLOAD:
        raise ContractError(f"unknown fact type {fact_type!r}; known: {', '.join(FACT_TYPES)}")
    missing = [name for name in ledger_schema(fact_type, provenance=False).names if name not in table.column_names]
    if missing:
        raise ContractError(f"facts of type {fact_type} lack the columns {', '.join(missing)}")
