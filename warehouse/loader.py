"""The one place that commits.

`land` takes a batch of facts into the ledger, `replace_books` puts recomputed books in place of the old ones. Each is one transaction:
it commits everything or nothing, and a process killed inside it has done nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.facts import FACT_TYPES
from nisba.config import Config
from nisba.errors import OffsetConflict
from warehouse import ledger
from warehouse.checks import check_books
from warehouse.recompute import invalidation
from warehouse.recompute.scope import Scope
from warehouse.replacement import replace_rows, write_setting

__all__ = ["LandCounts", "OffsetRange", "ReplaceCounts", "committed_offsets", "land", "replace_books"]

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
    """What was put in place."""

    accounts: int = 0
    deals: int = 0
    credits: int = 0


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block does, or nothing of it."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


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
    config: Config,
    records: int = 0,
) -> LandCounts:
    """Land a batch: facts, dead letters, offsets and what is dirty now, in one transaction.

    Raises OffsetConflict when the committed offsets are not those that the batch was read from; nothing is written then.
    """
    started = dt.datetime.now(dt.timezone.utc)
    with transaction(con):
        _advance(con, offsets, started)
        invalidation.start(con)
        landed = [ledger.land_facts(con, kind, rows(facts[kind]), started) for kind in FACT_TYPES if len(facts.get(kind, ()))]
        refused = ledger.land_dead_letters(con, rows(dead_letters), started) if dead_letters is not None and len(dead_letters) else 0
        invalidation.mark(con, started)
        counts = LandCounts(
            records,
            sum(result.facts for result in landed),
            sum(result.duplicates for result in landed),
            sum(result.conflicts for result in landed),
            refused,
        )
        _note_cycle(
            con,
            "ingest",
            started,
            records=records,
            facts=counts.facts,
            duplicates=counts.duplicates,
            conflicts=counts.conflicts,
            dead_letters=refused,
        )
    return counts


def rows(part: Part) -> pa.Table:
    """Return the rows of a part, mapped from its files where it has some."""
    if isinstance(part, pa.Table):
        return part
    # Dictionaries differ from part to part: DuckDB reads each batch with its own.
    return pa.concat_tables([pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in part], promote_options="permissive")


def _advance(con: duckdb.DuckDBPyConnection, offsets: Sequence[OffsetRange], now: dt.datetime) -> None:
    """Move the committed offsets on, each only from where the batch started."""
    committed = committed_offsets(con)
    for span in offsets:
        found = committed.get((span.topic, span.partition))
        if found != span.expected:
            raise OffsetConflict(span.topic, span.partition, span.expected, found)
    places = [[span.topic for span in offsets], [span.partition for span in offsets]]
    con.execute(
        f"DELETE FROM ops.kafka_offset WHERE (topic, kafka_partition) IN (SELECT (topic, kafka_partition) FROM ({_PLACES}))", places
    )
    advanced = "SELECT unnest($1::VARCHAR[]), unnest($2::INTEGER[]), unnest($3::BIGINT[]), $4::TIMESTAMPTZ"
    con.execute(f"INSERT INTO ops.kafka_offset {advanced}", [*places, [span.next for span in offsets], now])


_PLACES = "SELECT unnest($1::VARCHAR[]) AS topic, unnest($2::INTEGER[]) AS kafka_partition"


def replace_books(con: duckdb.DuckDBPyConnection, *, scope: Scope, books: Mapping[str, Part], config: Config) -> ReplaceCounts:
    """Put recomputed books in place of the scope's old ones, check them, and clear what made them dirty, in one transaction.

    Raises CheckFailed, and writes nothing, when credits do not add up to their entries.
    """
    started = dt.datetime.now(dt.timezone.utc)
    tables = {name: rows(books[name]) if len(books.get(name, ())) else schema.empty_table() for name, schema in BOOK_SCHEMAS.items()}
    with transaction(con):
        deals, credits = replace_rows(con, scope, tables)
        write_setting(con, config)
        check_books(con, None if scope.everything else con.execute("FROM new_deal").to_arrow_table())
        invalidation.clear(con)
        counts = ReplaceCounts(len(scope.accounts), deals, credits)
        _note_cycle(con, "attribute", started, accounts=counts.accounts, deals=counts.deals, credits=counts.credits)
    return counts


def _note_cycle(con: duckdb.DuckDBPyConnection, kind: str, started: dt.datetime, **counts: Any) -> None:
    """Add a row to `ops.cycle`: the only place where the wall clock is written down, and no figure reads it."""
    seconds = (dt.datetime.now(dt.timezone.utc) - started).total_seconds()
    names = ", ".join(counts)
    marks = ", ".join("?" for _ in counts)
    con.execute(
        f"INSERT INTO ops.cycle (cycle_no, kind, started_at, seconds, {names}) VALUES (nextval('ops.cycle_no'), ?, ?, ?, {marks})",
        [kind, started, seconds, *counts.values()],
    )
