"""Small tables of facts, made by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from nisba.attribution.facts import ledger_schema

UTC = dt.timezone.utc
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = dt.timedelta(microseconds=1)

_NEVER_NULL = {"revision": 0, "deleted": False}


def fact_rows(fact_type: str, *rows: dict[str, Any]) -> pa.Table:
    """Return a table of facts; what a row leaves out is null, or what the decoder would fill in."""
    schema = ledger_schema(fact_type, provenance=False)
    defaults = {name: value for name, value in _NEVER_NULL.items() if name in schema.names}
    full = [{"source": "s", "event_id": f"e{number}", "occurred_at": NOON, **defaults, **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(full, schema)


def micros(instant: dt.datetime) -> int:
    """Return microseconds since 1970."""
    return (instant - dt.datetime(1970, 1, 1, tzinfo=UTC)) // STEP
