"""The one place that commits.

`land` takes a batch of facts into the ledger, `replace_books` puts recomputed books in place of the old ones. Each is one transaction:
it commits everything or nothing, and a process killed inside it has done nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa

from nisba.attribution import RULES_EDITION
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.facts import FACT_TYPES
from nisba.config import Config
from nisba.errors import OffsetConflict
from warehouse.checks import check_books
from warehouse.dead_letters import land_dead_letters
from warehouse.ledger import Landed, land_facts, settle_anew
from warehouse.query import one_value, relations, transaction
from warehouse.recompute import invalidation
from warehouse.recompute.scope import Scope
from warehouse.replacement import replace_rows
from warehouse.settings import write_settings

__all__ = [
    "LandCounts",
    "OffsetRange",
    "ReplaceCounts",
    "committed_offsets",
    "land",
    "recording_time",
    "replace_books",
    "rows",
    "settle_by_these_rules",
]

Part: TypeAlias = "pa.Table | Sequence[Path]"
"""Rows: an Arrow table, or the files (Arrow IPC) that hold them."""


@dataclass(frozen=True)
class OffsetRange:
    """What was read of a partition: the offset that was committed when reading began (None: none), and the next one to read."""

    topic: str
    partition: int
    expected: int | None
    next: int


@dataclass(frozen=True)
class LandCounts:
    """What a batch was: `facts` are new identities, `duplicates` known contents, `conflicts` other contents of known identities."""

    records: int = 0
    facts: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0


@dataclass(frozen=True)
class ReplaceCounts:
    """What was computed anew."""

    accounts: int = 0
    deals: int = 0
    credits: int = 0


def committed_offsets(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], int]:
    """Return the next offset to read of every partition that was ever read."""
    rows = con.execute("SELECT topic, kafka_partition, next_offset FROM ops.kafka_offset").fetchall()
    return {(topic, partition): following for topic, partition, following in rows}


def land(
    con: duckdb.DuckDBPyConnection,
    *,
    facts: Mapping[str, Part],
    dead_letters: Part | None,
    offsets: Sequence[OffsetRange],
    records: int = 0,
    unknown_fields: Part | None = None,
) -> LandCounts:
    """Land a batch: facts, dead letters, offsets, what is dirty now and what fields nobody knew, in one transaction.

    Raises OffsetConflict when the committed offsets are not those that the batch was read from; nothing is written then.
    """
    started = time.perf_counter()
    with transaction(con):
        now = recording_time(con)
        _advance(con, offsets, now)
        landed = {kind: land_facts(con, kind, rows(facts[kind]), now) for kind in FACT_TYPES if len(facts.get(kind, ()))}
        refused = land_dead_letters(con, rows(dead_letters), now) if dead_letters is not None and len(dead_letters) else 0
        if unknown_fields is not None and len(unknown_fields):
            _count_unknown_fields(con, rows(unknown_fields))
        invalidation.invalidate(con, {kind: result.touched for kind, result in landed.items()}, now)
        counts = _counts(records, landed.values(), refused)
        _note_cycle(con, "ingest", now, started, **asdict(counts))
    return counts


def _counts(records: int, landed: Collection[Landed], refused: int) -> LandCounts:
    sums = {name: sum(getattr(result, name) for result in landed) for name in ("facts", "duplicates", "conflicts")}
    return LandCounts(records, dead_letters=refused, **sums)


def recording_time(con: duckdb.DuckDBPyConnection) -> dt.datetime:
    """Return the time now; just after the latest cycle's should the machine's clock have gone back.

    What was recorded up to an instant is what a later reader finds there: two cycles never share one, and none comes before another.
    """
    now, latest = dt.datetime.now(dt.timezone.utc), one_value(con, "SELECT max(started_at) FROM ops.cycle")
    return now if latest is None or latest < now else latest + dt.timedelta(microseconds=1)


def rows(part: Part) -> pa.Table:
    """Return the rows of a part, mapped from its files where it has some."""
    if isinstance(part, pa.Table):
        return part
    # Dictionaries differ from part to part: DuckDB reads each batch with its own.
    return pa.concat_tables([pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in part], promote_options="permissive")


def _advance(con: duckdb.DuckDBPyConnection, offsets: Sequence[OffsetRange], now: dt.datetime) -> None:
    """Move the committed offsets on, each only from where the batch started."""
    if not offsets:
        return
    committed = committed_offsets(con)
    for span in offsets:
        found = committed.get((span.topic, span.partition))
        if found != span.expected:
            raise OffsetConflict(span.topic, span.partition, span.expected, found)
    topics, partitions = [span.topic for span in offsets], [span.partition for span in offsets]
    read = "SELECT unnest(?::VARCHAR[]) AS topic, unnest(?::INTEGER[]) AS kafka_partition"
    con.execute(
        f"DELETE FROM ops.kafka_offset WHERE (topic, kafka_partition) IN (SELECT (topic, kafka_partition) FROM ({read}))",
        [topics, partitions],
    )
    con.execute(
        f"INSERT INTO ops.kafka_offset {read}, unnest(?::BIGINT[]), ?::TIMESTAMPTZ",
        [topics, partitions, [span.next for span in offsets], now],
    )


def _count_unknown_fields(con: duckdb.DuckDBPyConnection, counted: pa.Table) -> None:
    """Add to `ops.unknown_field` how many of the records had each field that their type does not know."""
    with relations(con, counted=counted):
        con.execute("""
            MERGE INTO ops.unknown_field AS known
            USING (SELECT event_type, field, sum(records)::BIGINT AS records FROM counted GROUP BY ALL) AS arrived
            USING (event_type, field)
            WHEN MATCHED THEN UPDATE SET records = known.records + arrived.records
            WHEN NOT MATCHED THEN INSERT
        """)


def replace_books(con: duckdb.DuckDBPyConnection, *, scope: Scope, books: Mapping[str, Part], config: Config) -> ReplaceCounts:
    """Put recomputed books in place of the scope's old ones, check them, and clear what made them dirty, in one transaction.

    Raises CheckFailed, and writes nothing, when credits do not add up to their entries.
    """
    started = time.perf_counter()
    tables = {name: rows(books[name]) if len(books.get(name, ())) else schema.empty_table() for name, schema in BOOK_SCHEMAS.items()}
    with transaction(con):
        now = recording_time(con)
        replaced = replace_rows(con, scope, tables)
        write_settings(con, config)
        check_books(con, replaced.deal_ids)
        invalidation.clear(con)
        counts = ReplaceCounts(replaced.accounts, replaced.deals, replaced.credits)
        _note_cycle(con, "attribute", now, started, **asdict(counts))
    return counts


def settle_by_these_rules(con: duckdb.DuckDBPyConnection) -> int:
    """Settle the ledger's conflicts anew where another edition of the rules settled them; return how many came out otherwise.

    The canonical form is a part of the rules. Books of another edition are all dirty, so nothing more is to be marked.
    """
    if con.execute("SELECT rules_edition FROM core.setting").fetchall() == [(RULES_EDITION,)]:
        return 0
    with transaction(con):
        return settle_anew(con, recording_time(con))


def _note_cycle(con: duckdb.DuckDBPyConnection, kind: str, now: dt.datetime, started: float, **counts: int) -> None:
    """Add a row to `ops.cycle`: the only place where the wall clock is written down, and no figure reads it."""
    names, marks = ", ".join(counts), ", ".join("?" for _ in counts)
    con.execute(
        f"INSERT INTO ops.cycle (cycle_no, kind, started_at, seconds, {names}) VALUES (nextval('ops.cycle_no'), ?, ?, ?, {marks})",
        [kind, now, time.perf_counter() - started, *counts.values()],
    )
