"""A warehouse of events: one deal, a touch for every reason that leaves one out, an adjustment that counts and one that is held."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from nisba.config import Attribution, Config, CustomModel
from tests.strategies import Event, event
from tests.unit.warehouse.landing import attribute, deal, decoded, empty_warehouse, touch
from warehouse.loader import land
from warehouse.models.build import build

__all__ = ["CONFIG", "EVENTS", "landed_books"]

CONFIG = Config(
    attribution=Attribution(
        models=("linear", "first_touch"), default_model="linear", lookback_days=30, teams=("marketing", "sales"), mapping="contacts"
    ),
    model=(CustomModel(id="marketing_only", rest=Decimal(100), teams=("marketing",)),),
)


def _by(person: str, event_id: str, time: str, **data: str) -> Event:
    return touch(event_id, time, account_id=None, person_id=person, **data)


EVENTS: list[Event] = [
    event(
        "identity",
        "crm",
        "i-1",
        "2025-12-01T00:00:00Z",
        {"left": {"kind": "person", "id": "jane"}, "right": {"kind": "account", "id": "acme"}, "op": "link"},
    ),
    event(
        "identity",
        "crm",
        "i-2",
        "2025-12-01T00:00:00Z",
        {"left": {"kind": "person", "id": "mallory"}, "right": {"kind": "account", "id": "acme"}, "op": "link"},
    ),
    _by("jane", "t-early", "2025-11-01T00:00:00Z"),
    _by("jane", "t-first", "2026-01-02T10:00:00Z", campaign_id="c-1"),
    _by("jane", "t-again", "2026-01-02T10:10:00Z", campaign_id="c-1"),
    _by("jane", "t-seen", "2026-01-03T10:00:00Z", kind="impression"),
    _by("jane", "t-partner", "2026-01-04T10:00:00Z", team="partner"),
    _by("jane", "t-taken-back", "2026-01-06T10:00:00Z", kind="form"),
    _by("mallory", "t-stranger", "2026-01-07T10:00:00Z"),
    _by("jane", "t-last", "2026-02-01T10:00:00Z", kind="call", team="sales"),
    _by("jane", "t-late", "2026-02-11T10:00:00Z"),
    event("touch-retraction", "web", "r-1", "2026-01-08T00:00:00Z", {"touch_source": "web", "touch_id": "t-taken-back"}),
    event("touch-retraction", "web", "r-2", "2026-01-08T00:00:00Z", {"touch_source": "web", "touch_id": "t-of-somebody-else"}),
    deal("d-1/0", status="open", stage="Talks", closed_at=None, contact_ids=["jane"]) | {"time": "2026-01-05T00:00:00Z"},
    deal("d-1/1", contact_ids=["jane"]),
    event(
        "adjustment",
        "erp",
        "a-1",
        "2026-03-01T00:00:00Z",
        {"adjustment_id": "A-1", "deal_id": "d-1", "amount": "-40.00", "currency": "USD", "effective_at": "2026-03-01T00:00:00Z"},
    ),
    event(
        "adjustment",
        "erp",
        "a-2",
        "2026-03-02T00:00:00Z",
        {"adjustment_id": "A-2", "deal_id": "d-1", "amount": "-61.00", "currency": "GBP", "effective_at": "2026-03-02T00:00:00Z"},
    ),
    deal("d-2/1", deal_id="d-2", account_id="globex", status="open", closed_at=None, amount=None, currency=None),
]


def landed_books(path: Path | str = ":memory:", config: Config = CONFIG) -> duckdb.DuckDBPyConnection:
    """Return a warehouse into which the events were landed, as from Kafka, and whose books are their fold."""
    con = empty_warehouse(path)
    facts = {fact_type: _read_from_kafka(fact_type, table) for fact_type, table in decoded(EVENTS).items()}
    land(con, facts=facts, dead_letters=None, offsets=[], records=len(EVENTS))
    attribute(con, config)
    build(con)
    return con


def _read_from_kafka(fact_type: str, table: pa.Table) -> pa.Table:
    """Place the facts of a type at offsets 100, 101, … of partition 2 of a topic of their name."""
    size = table.num_rows
    places = {"topic": [f"kafka.{fact_type}"] * size, "kafka_partition": [2] * size, "kafka_offset": list(range(100, 100 + size))}
    for name, values in places.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, pa.array(values, table.schema.field(name).type))
    return table
