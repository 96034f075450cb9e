"""Land facts in the append-only ledger: each content once, one version of each identity counts, whatever arrives how often and when.

Every accepted content is a row for ever, and `recorded_at`, when it was landed, never moves. `superseded_at` is null while a version
counts, else the time at which it lost: what counted at an instant T has `recorded_at <= T AND (superseded_at IS NULL OR superseded_at >
T)`. `ledger.current_<type>` are the versions that count now.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.bounds import is_refused, without_far
from nisba.attribution.facts import FACT_TYPES, INSTANT, PAYLOAD, TEXT, ledger_schema
from nisba.errors import Refused
from schemas.canonical import canonical, row_to_event, settle
from warehouse.query import arrow_table, one_value, relations

__all__ = ["Landed", "land_facts", "settle_anew"]

Row = dict[str, Any]

_CONFLICT = pa.schema(
    [
        ("fact_type", TEXT),
        ("source", TEXT),
        ("event_id", TEXT),
        ("kept", TEXT),
        ("kept_time", INSTANT),
        ("dropped", TEXT),
        ("dropped_time", INSTANT),
    ]
)


@dataclass(frozen=True)
class Landed:
    """What the rows of one type were, and which facts they touched."""

    facts: int
    """New identities."""
    duplicates: int
    """Contents that were known."""
    conflicts: int
    """Other contents of known identities."""
    touched: pa.Table
    """The new contents, whether they count or not, and the versions that counted before: all that a figure may change with."""


def land_facts(con: duckdb.DuckDBPyConnection, fact_type: str, table: pa.Table, recorded_at: dt.datetime) -> Landed:
    """Insert new contents, count duplicates, and let the content decide which version of an identity counts."""
    incoming = table.select(ledger_schema(fact_type).names)
    with relations(con, incoming=incoming):
        if _is_all_new(con, fact_type, incoming["identity_hash"]):
            return Landed(_insert(con, fact_type, "incoming", recorded_at), 0, 0, incoming)
        fresh = _unseen(con, fact_type)
    contested = fresh["is_contested"]
    fresh = fresh.drop_columns("is_contested")
    facts, arrived = fresh.filter(pc.invert(contested)), _without_known_forms(con, fact_type, fresh.filter(contested))
    if len(facts):
        with relations(con, incoming=facts):
            _insert(con, fact_type, "incoming", recorded_at)
    standing = _settle(con, fact_type, arrived, recorded_at) if len(arrived) else arrived
    new, kept = len(facts) + len(_identities(arrived) - _identities(standing)), len(facts) + len(arrived)
    touched = pa.concat_tables([facts, arrived, standing], promote_options="permissive")
    return Landed(new, len(incoming) - kept, kept - new, touched)


def settle_anew(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> int:
    """Settle all conflicts by the canonical form as it is now; return of how many identities another version counts than before.

    What counted before is superseded at `now`, what counts instead is recorded then: every earlier state can still be read back.
    """
    return sum(_settle_type_anew(con, fact_type, now) for fact_type in FACT_TYPES)


def _settle_type_anew(con: duckdb.DuckDBPyConnection, fact_type: str, now: dt.datetime) -> int:
    names = ", ".join(ledger_schema(fact_type).names)
    several = f"SELECT identity_hash FROM ledger.{fact_type} WHERE superseded_at IS NOT NULL"
    columns = f"{names}, superseded_at IS NULL AS counts, rowid AS place"
    # what counts comes first: of equal forms it stays
    found = arrow_table(
        con, f"SELECT {columns} FROM ledger.{fact_type} WHERE identity_hash IN ({several}) ORDER BY counts DESC, recorded_at"
    )
    winner_of = _winners(fact_type, found)
    counts = found["counts"].to_pylist()
    changed = [number for number, winner in enumerate(winner_of) if not counts[winner]]
    if not changed:
        return 0
    places = found["place"].to_pylist()
    risen = sorted({winner_of[number] for number in changed})
    _supersede(con, fact_type, pa.chunked_array([[places[number] for number in changed if counts[number]]], pa.int64()), now)
    with relations(con, risen=pa.table({"place": [places[number] for number in risen]})):
        raised = "superseded_at = NULL, recorded_at = ?"
        con.execute(f"UPDATE ledger.{fact_type} SET {raised} WHERE rowid IN (SELECT place FROM risen)", [now])
    rows = found.to_pylist()
    identities = found.take(pa.array(risen)).select(["source", "event_id"])
    with relations(con, settled=identities):
        con.execute(
            "DELETE FROM ops.conflict WHERE fact_type = ? AND (source, event_id) IN (SELECT (source, event_id) FROM settled)", [fact_type]
        )
    _note_conflicts(con, fact_type, [(rows[winner_of[number]], rows[number]) for number in changed if number != winner_of[number]])
    return len(risen)


def _without_known_forms(con: duckdb.DuckDBPyConnection, fact_type: str, arrived: pa.Table) -> pa.Table:
    """Leave out contents that say what a version in the ledger says in another spelling: its hash is of an earlier canonical form."""
    if not len(arrived):
        return arrived
    with relations(con, arrived=arrived):
        known = arrow_table(
            con,
            f"""
            SELECT {", ".join(arrived.column_names)} FROM ledger.{fact_type}
            WHERE identity_hash IN (SELECT identity_hash FROM arrived) AND (source, event_id) IN (SELECT (source, event_id) FROM arrived)
            """,
        )
    forms = {_form(fact_type, row) for row in known.to_pylist()}
    return arrived.filter(pa.array([_form(fact_type, row) not in forms for row in arrived.to_pylist()], pa.bool_()))


def _form(fact_type: str, row: Row) -> tuple[str, str, dt.datetime, str]:
    return row["source"], row["event_id"], row["occurred_at"], _content(fact_type, row)


def _is_all_new(con: duckdb.DuckDBPyConnection, fact_type: str, hashes: pa.ChunkedArray) -> bool:
    """Tell whether every identity of `incoming` is there once and none of them is in the ledger: what most batches are."""
    if pc.count_distinct(hashes).as_py() < len(hashes):
        return False
    known = f"SELECT 1 FROM ledger.{fact_type} WHERE identity_hash IN (SELECT identity_hash FROM incoming) LIMIT 1"
    return one_value(con, known) is None


def _unseen(con: duckdb.DuckDBPyConnection, fact_type: str) -> pa.Table:
    """Return the contents that the ledger has never seen, each once; `is_contested`: their identity has others, here or there."""
    return arrow_table(
        con,
        f"""
        WITH known AS (
            SELECT source, event_id, content_hash FROM ledger.{fact_type}
            WHERE identity_hash IN (SELECT identity_hash FROM incoming)
        ),
        fresh AS (
            SELECT incoming.* FROM incoming ANTI JOIN known USING (source, event_id, content_hash)
            QUALIFY row_number() OVER (PARTITION BY source, event_id, content_hash ORDER BY topic, kafka_partition, kafka_offset) = 1
        )
        SELECT *, count(*) OVER (PARTITION BY source, event_id) > 1
            OR (source, event_id) IN (SELECT (source, event_id) FROM known) AS is_contested
        FROM fresh
        """,
    )


def _insert(con: duckdb.DuckDBPyConnection, fact_type: str, relation: str, recorded_at: dt.datetime) -> int:
    """Insert the rows of a relation; return how many."""
    insert = f"INSERT INTO ledger.{fact_type} BY NAME SELECT *, ?::TIMESTAMPTZ AS recorded_at FROM {relation}"
    return int(one_value(con, insert, [recorded_at]))


def _settle(con: duckdb.DuckDBPyConnection, fact_type: str, arrived: pa.Table, now: dt.datetime) -> pa.Table:
    """Insert contents of contested identities, supersede the versions that lose, note the conflicts; return what counted before."""
    with relations(con, arrived=arrived):
        standing = arrow_table(
            con,
            f"""
            SELECT {", ".join(arrived.column_names)}, rowid AS place FROM ledger.{fact_type}
            WHERE superseded_at IS NULL AND identity_hash IN (SELECT identity_hash FROM arrived)
                AND (source, event_id) IN (SELECT (source, event_id) FROM arrived)
            """,
        )
    both = pa.concat_tables([standing.drop_columns("place"), arrived], promote_options="permissive")
    versions, winner_of = both.to_pylist(), _winners(fact_type, both)
    lost = [number != winner for number, winner in enumerate(winner_of)]
    _supersede(con, fact_type, standing["place"].filter(pa.array(lost[: len(standing)], pa.bool_())), now)
    superseded_at = pa.array([now if is_lost else None for is_lost in lost[len(standing) :]], INSTANT)
    with relations(con, incoming=arrived.append_column("superseded_at", superseded_at)):
        _insert(con, fact_type, "incoming", now)
    _note_conflicts(con, fact_type, [(versions[winner_of[number]], versions[number]) for number in range(len(versions)) if lost[number]])
    return standing.drop_columns("place")


def _winners(fact_type: str, table: pa.Table) -> list[int]:
    """Return, for each version, which of those of its identity counts.

    A version that an earlier door let in, and today's would not, gives way to any other.
    """
    versions, refused = table.to_pylist(), is_refused(fact_type, without_far(fact_type, table)).tolist()
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(versions):
        groups[row["source"], row["event_id"]].append(number)
    best = {}
    for key, group in groups.items():
        sound = [number for number in group if not refused[number]]
        by_hash = max(group, key=lambda number: (versions[number]["occurred_at"], versions[number]["content_hash"]))
        best[key] = sound[settle(fact_type, [versions[number] for number in sound])] if sound else by_hash
    return [best[row["source"], row["event_id"]] for row in versions]


def _supersede(con: duckdb.DuckDBPyConnection, fact_type: str, places: pa.ChunkedArray, now: dt.datetime) -> None:
    """Note that versions, by their place in the table, count no longer."""
    with relations(con, lost=pa.table({"place": places})):
        con.execute(f"UPDATE ledger.{fact_type} SET superseded_at = ? WHERE rowid IN (SELECT place FROM lost)", [now])


def _note_conflicts(con: duckdb.DuckDBPyConnection, fact_type: str, settled: list[tuple[Row, Row]]) -> None:
    """Add (kept, dropped) to `ops.conflict`; conflicts of the same identity before it show what is kept now."""
    with relations(con, noted=pa.Table.from_pylist(list(_conflicts(fact_type, settled)), _CONFLICT)):
        con.execute("""
            UPDATE ops.conflict SET kept = noted.kept, kept_time = noted.kept_time
            FROM noted WHERE conflict.fact_type = noted.fact_type AND conflict.source = noted.source AND conflict.event_id = noted.event_id
        """)
        con.execute("INSERT INTO ops.conflict BY NAME FROM noted")


def _conflicts(fact_type: str, settled: list[tuple[Row, Row]]) -> Iterator[Row]:
    for kept, dropped in settled:
        yield {
            "fact_type": fact_type,
            "source": kept["source"],
            "event_id": kept["event_id"],
            "kept": _content(fact_type, kept),
            "kept_time": kept["occurred_at"],
            "dropped": _content(fact_type, dropped),
            "dropped_time": dropped["occurred_at"],
        }


def _content(fact_type: str, row: Mapping[str, Any]) -> str:
    """Return the canonical form of a version; as it lies there, where today's door would not read it."""
    try:
        return canonical(row_to_event(fact_type, row)[1]).decode()
    except Refused:
        said = {name: row[name] for name, _ in PAYLOAD[fact_type] if row[name] is not None}
        return msgspec.json.encode(said, order="sorted").decode()


def _identities(table: pa.Table) -> set[tuple[str, str]]:
    return set(zip(table["source"].to_pylist(), table["event_id"].to_pylist(), strict=True))
