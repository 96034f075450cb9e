"""Facts of wire events, as the decoder makes them, ready to land."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution import fold
from nisba.attribution.facts import FACT_TYPES, ledger_schema
from nisba.config import Attribution, Config
from schemas.decoder import decode_block
from schemas.encoding import encode_event
from schemas.topics import topic_of
from tests.strategies import Event, block_of, event
from warehouse.loader import LandCounts, ReplaceCounts, land, replace_books
from warehouse.migrations import migrate
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import plan_scope

LINEAR = Config(attribution=Attribution(models=("linear",), default_model="linear"))
"""One model: quick, and enough for what does not look at models."""


def decoded(events: Iterable[Event]) -> dict[str, pa.Table]:
    """Return the facts of events, conflicts and duplicates included."""
    by_topic: dict[str, list[tuple[bytes, bytes]]] = {}
    for one in events:
        record = encode_event(one["type"], one["id"], one["source"], one["time"], one["data"])
        by_topic.setdefault(topic_of(one["type"]).name, []).append(record)
    tables: dict[str, list[pa.Table]] = {}
    for topic, records in by_topic.items():
        found = decode_block(block_of(topic, records))
        assert found.dead_letters.num_rows == 0, found.dead_letters["message"].to_pylist()
        for fact_type, table in found.facts.items():
            tables.setdefault(fact_type, []).append(table)
    return {fact_type: pa.concat_tables(parts) for fact_type, parts in tables.items()}


def touch(event_id: str, time: str = "2026-01-01T00:00:00Z", **data: Any) -> Event:
    """Return a touch of the account acme."""
    return event("touch", "web", event_id, time, {"account_id": "acme", "channel": "email", "kind": "click", "team": "marketing"} | data)


def deal(event_id: str, **data: Any) -> Event:
    """Return a won state of the deal d-1 of acme."""
    fixed = {"deal_id": "d-1", "account_id": "acme", "status": "won", "stage": "Won", "amount": "100.00", "currency": "USD"}
    times = {"opened_at": "2026-01-05T00:00:00Z", "closed_at": "2026-02-10T00:00:00Z"}
    return event("deal", "crm", event_id, "2026-02-10T00:00:00Z", fixed | times | data)


def land_events(con: duckdb.DuckDBPyConnection, *events: Event) -> LandCounts:
    """Land events as one batch."""
    return land(con, facts=decoded(events), dead_letters=None, offsets=[], records=len(events))


def attribute(con: duckdb.DuckDBPyConnection, config: Config = LINEAR) -> ReplaceCounts | None:
    """Recompute what is dirty, in one process; None when nothing is."""
    scope = plan_scope(con, config)
    if scope is None:
        return None
    return replace_books(con, scope=scope, books=fold(read_facts(con, scope), config).tables(), config=config)


def empty_warehouse(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Return a migrated warehouse, in memory or in a file."""
    con = duckdb.connect(str(path))
    con.execute("SET TimeZone = 'UTC'")
    migrate(con)
    return con


def contents(con: duckdb.DuckDBPyConnection) -> dict[str, Sequence[Any]]:
    """Return what the ledger says and which conflicts it settled, without where and when it came in."""
    found: dict[str, Sequence[Any]] = {}
    for fact_type in FACT_TYPES:
        names = ", ".join((*ledger_schema(fact_type, provenance=False).names, "content_hash"))
        found[fact_type] = con.execute(f"SELECT {names} FROM ledger.current_{fact_type} ORDER BY ALL").fetchall()
    found["pair"] = con.execute("SELECT DISTINCT * FROM ledger.pair ORDER BY ALL").fetchall()
    found["conflict"] = con.execute("SELECT * FROM ops.conflict ORDER BY ALL").fetchall()
    return found


def every_row(con: duckdb.DuckDBPyConnection) -> dict[str, Sequence[Any]]:
    """Return all rows of all tables: what a failed transaction must leave as it was."""
    names = con.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL").fetchall()
    return {name: con.execute(f"FROM {name} ORDER BY ALL").fetchall() for (name,) in names}
