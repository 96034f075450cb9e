"""Land facts in the ledger: each identity once, whatever arrives how often and in which order."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution.facts import INSTANT, TEXT
from schemas.canonical import canonical, row_to_event, settle
from warehouse.recompute.adjacency import name_pairs

__all__ = ["Landed", "land_dead_letters", "land_facts"]

Identity = tuple[str, str]

_CONFLICT = pa.schema(
    [
        ("fact_type", TEXT),
        ("source", TEXT),
        ("event_id", TEXT),
        ("kept", TEXT),
        ("kept_time", INSTANT),
        ("dropped", TEXT),
        ("dropped_time", INSTANT),
        ("dropped_hash", pa.uint64()),
    ]
)


@dataclass(frozen=True)
class Landed:
    """What the rows of one type were."""

    facts: int
    duplicates: int
    conflicts: int


def land_facts(con: duckdb.DuckDBPyConnection, fact_type: str, table: pa.Table, now: dt.datetime) -> Landed:
    """Insert new identities, count duplicates, settle conflicts; what was accepted or displaced is left in `touched_<type>`."""
    con.register("incoming", table)
    try:
        con.execute(f"CREATE OR REPLACE TEMP TABLE touched_{fact_type} AS FROM incoming")
    finally:
        con.unregister("incoming")
    landed = _land_new(con, fact_type, now) if _is_all_new(con, fact_type) else _land_some(con, fact_type, now)
    name_pairs(con, fact_type, f"touched_{fact_type}")
    return landed


def _is_all_new(con: duckdb.DuckDBPyConnection, fact_type: str) -> bool:
    """Tell whether every identity is there once and none of them is in the ledger: what most batches are."""
    touched = f"touched_{fact_type}"
    row = con.execute(f"""
        SELECT count(*) = count(DISTINCT identity_hash)
            AND NOT EXISTS (SELECT 1 FROM ledger.{fact_type} WHERE identity_hash IN (SELECT identity_hash FROM {touched}))
        FROM {touched}
    """).fetchone()
    return bool(row and row[0])


def _land_new(con: duckdb.DuckDBPyConnection, fact_type: str, now: dt.datetime) -> Landed:
    return Landed(_insert(con, fact_type, f"FROM touched_{fact_type}", now), 0, 0)


def _land_some(con: duckdb.DuckDBPyConnection, fact_type: str, now: dt.datetime) -> Landed:
    """Insert what is new among identities that are there already, or more than once."""
    total = _stage(con, fact_type)
    fresh = _insert(con, fact_type, "SELECT batch.* FROM batch ANTI JOIN clash USING (source, event_id)", now)
    contested, new = _settle(con, fact_type, now)
    return Landed(fresh + new, total - fresh - contested, contested - new)


def _stage(con: duckdb.DuckDBPyConnection, fact_type: str) -> int:
    """Make `batch`, the contents that the ledger has never seen, and `clash`, the identities of which there are several now.

    Returns how many facts arrived.
    """
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE known AS
        SELECT source, event_id, content_hash, true AS is_kept FROM ledger.{fact_type}
        WHERE identity_hash IN (SELECT identity_hash FROM touched_{fact_type})
        UNION ALL
        SELECT source, event_id, dropped_hash, false FROM ops.conflict WHERE fact_type = '{fact_type}'
    """)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE batch AS
        SELECT touched.* FROM touched_{fact_type} AS touched ANTI JOIN known USING (source, event_id, content_hash)
        QUALIFY row_number() OVER (PARTITION BY source, event_id, content_hash ORDER BY topic, kafka_partition, kafka_offset) = 1
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE clash AS
        SELECT source, event_id FROM batch GROUP BY ALL HAVING count(*) > 1
        UNION
        SELECT source, event_id FROM batch SEMI JOIN known USING (source, event_id)
    """)
    row = con.execute(f"SELECT count(*) FROM touched_{fact_type}").fetchone()
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched_{fact_type} AS FROM batch")
    return int(row[0]) if row else 0


def _insert(con: duckdb.DuckDBPyConnection, fact_type: str, select: str, now: dt.datetime) -> int:
    """Insert the rows of a SELECT over `batch`'s columns; return how many."""
    row = con.execute(f"INSERT INTO ledger.{fact_type} BY NAME SELECT *, ?::TIMESTAMPTZ AS recorded_at FROM ({select})", [now]).fetchone()
    return int(row[0]) if row else 0


def _settle(con: duckdb.DuckDBPyConnection, fact_type: str, now: dt.datetime) -> tuple[int, int]:
    """Let the content decide between the versions of each contested identity; return (new contents, new identities)."""
    arrived = _dicts(con, "FROM batch SEMI JOIN clash USING (source, event_id)")
    if not arrived:
        return 0, 0
    kept = _dicts(con, f"SELECT * EXCLUDE (recorded_at) FROM ledger.{fact_type} SEMI JOIN clash USING (source, event_id)")
    con.execute(f"""
        INSERT INTO touched_{fact_type} BY NAME
        SELECT * EXCLUDE (recorded_at) FROM ledger.{fact_type} SEMI JOIN clash USING (source, event_id)
    """)
    versions: defaultdict[Identity, list[dict[str, Any]]] = defaultdict(list)
    for row in (*kept, *arrived):
        versions[row["source"], row["event_id"]].append(row)
    winners, losers = [], []
    for rows in versions.values():
        best = settle(fact_type, rows)
        winners.append(rows[best])
        losers += [_conflict(fact_type, rows[best], row) for number, row in enumerate(rows) if number != best]
    _replace(con, fact_type, winners, losers, now)
    return len(arrived), len(versions) - len(kept)


def _replace(
    con: duckdb.DuckDBPyConnection, fact_type: str, winners: list[dict[str, Any]], losers: list[dict[str, Any]], now: dt.datetime
) -> None:
    con.execute(
        f"DELETE FROM ledger.{fact_type} USING clash WHERE {fact_type}.source = clash.source AND {fact_type}.event_id = clash.event_id"
    )
    schema = con.execute("FROM batch LIMIT 0").arrow().read_all().schema
    con.register("winner", pa.Table.from_pylist(winners, schema))
    con.register("loser", pa.Table.from_pylist(losers, _CONFLICT))
    _insert(con, fact_type, "FROM winner", now)
    con.execute("""
        UPDATE ops.conflict SET kept = loser.kept, kept_time = loser.kept_time
        FROM loser WHERE conflict.fact_type = loser.fact_type AND conflict.source = loser.source AND conflict.event_id = loser.event_id
    """)
    con.execute("INSERT INTO ops.conflict BY NAME FROM loser")
    con.unregister("winner")
    con.unregister("loser")


def _conflict(fact_type: str, kept: Mapping[str, Any], dropped: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact_type": fact_type,
        "source": kept["source"],
        "event_id": kept["event_id"],
        "kept": _content(fact_type, kept),
        "kept_time": kept["occurred_at"],
        "dropped": _content(fact_type, dropped),
        "dropped_time": dropped["occurred_at"],
        "dropped_hash": dropped["content_hash"],
    }


def _content(fact_type: str, row: Mapping[str, Any]) -> str:
    return canonical(row_to_event(fact_type, row)[1]).decode()


def _dicts(con: duckdb.DuckDBPyConnection, select: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = con.execute(select).arrow().read_all().to_pylist()
    return found


def land_dead_letters(con: duckdb.DuckDBPyConnection, table: pa.Table, now: dt.datetime) -> int:
    """Insert dead letters that are not there yet: a file that is read again refuses the same lines."""
    con.register("refused", table)
    row = con.execute(
        """
        INSERT INTO ops.dead_letter BY NAME
        SELECT *, ?::TIMESTAMPTZ AS recorded_at FROM refused
        ANTI JOIN ops.dead_letter AS old
            ON old.topic = refused.topic AND old.kafka_partition = refused.kafka_partition
            AND old.kafka_offset = refused.kafka_offset AND old.value IS NOT DISTINCT FROM refused.value
        """,
        [now],
    ).fetchone()
    con.unregister("refused")
    return int(row[0]) if row else 0
