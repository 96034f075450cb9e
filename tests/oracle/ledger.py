"""Facts as the ledger holds them → the oracle's settled facts, and its books as Arrow: a slow stand-in for the core."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.facts import PAYLOAD, Facts
from nisba.config import Config
from tests.oracle import fold_settled
from tests.oracle.settled import DECIMALS, EPOCH, Event, Settled

__all__ = ["fold_facts", "settled_facts"]

_NAMES = {"lead_stage": "lead-stage", "retraction": "touch-retraction"}


def fold_facts(facts: Facts, config: Config) -> dict[str, pa.Table]:
    """Return the books of facts, by table."""
    rows = fold_settled(settled_facts(facts), config)
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in BOOK_SCHEMAS.items()}


def settled_facts(facts: Facts) -> Settled:
    """Return facts as the oracle reads them; conflicts are settled already."""
    events = {}
    for fact_type, table in facts.tables().items():
        name = _NAMES.get(fact_type, fact_type)
        events[name] = [_event(name, fact_type, row) for row in table.to_pylist()]
    return Settled(events)


def _event(name: str, fact_type: str, row: dict[str, Any]) -> Event:
    data = {field: _value(field, row[field]) for field, _ in PAYLOAD[fact_type] if row[field] is not None}
    if name == "identity":
        data |= {side: {"kind": row[f"{side}_kind"], "id": row[f"{side}_id"]} for side in ("left", "right")}
    return Event(name, row["source"], row["event_id"], _value("time", row["occurred_at"]), data)


def _value(field: str, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return (value - EPOCH) // dt.timedelta(microseconds=1)
    return Decimal(value) if field in DECIMALS else value
