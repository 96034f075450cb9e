"""The dead letters: by class, by topic, one by its place in the log, and which of them were replayed."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from nisba.errors import NotFound
from warehouse.query import one_value, relations, rows_as_dicts

__all__ = [
    "count_dead_letters",
    "find_dead_letters",
    "headers_of",
    "land_dead_letters",
    "mark_published",
    "mark_replayed",
    "place_of",
    "read_dead_letter",
    "replayable_dead_letters",
    "unpublished_dead_letters",
]

_WHERE = "FROM ops.dead_letter WHERE ($1 IS NULL OR error_class = $1) AND ($2 IS NULL OR topic = $2)"


def land_dead_letters(con: duckdb.DuckDBPyConnection, table: pa.Table, now: dt.datetime) -> int:
    """Insert dead letters that are not there yet, and return how many: a file that is read again refuses the same lines."""
    insert = """
        INSERT INTO ops.dead_letter BY NAME
        SELECT *, ?::TIMESTAMPTZ AS recorded_at FROM refused
        ANTI JOIN ops.dead_letter AS old
            ON old.topic = refused.topic AND old.kafka_partition = refused.kafka_partition
            AND old.kafka_offset = refused.kafka_offset AND old.value IS NOT DISTINCT FROM refused.value
    """
    with relations(con, refused=table):
        return int(one_value(con, insert, [now]))


def find_dead_letters(
    con: duckdb.DuckDBPyConnection, *, error_class: str | None, topic: str | None, limit: int | None
) -> list[dict[str, Any]]:
    """Return dead letters with all that was kept of them, the latest first; `limit` None returns all."""
    ordered = f"SELECT * {_WHERE} ORDER BY recorded_at DESC, topic, kafka_partition, kafka_offset"
    return rows_as_dicts(con, ordered + (f" LIMIT {int(limit)}" if limit is not None else ""), [error_class, topic])


def replayable_dead_letters(con: duckdb.DuckDBPyConnection, *, error_class: str | None, topic: str | None) -> list[dict[str, Any]]:
    """Return the dead letters that were never replayed, in the order of the log."""
    waiting = f"SELECT * {_WHERE} AND replayed_at IS NULL ORDER BY topic, kafka_partition, kafka_offset"
    return rows_as_dicts(con, waiting, [error_class, topic])


def unpublished_dead_letters(con: duckdb.DuckDBPyConnection, *, topics: Sequence[str]) -> list[dict[str, Any]]:
    """Return the dead letters of some topics that were not sent to their dead letter topic yet."""
    found = "SELECT * FROM ops.dead_letter WHERE published_at IS NULL AND topic IN (SELECT unnest(?::VARCHAR[]))"
    return rows_as_dicts(con, f"{found} ORDER BY topic, kafka_partition, kafka_offset", [list(topics)])


def mark_replayed(con: duckdb.DuckDBPyConnection, dead_letters: Iterable[Mapping[str, Any]], now: dt.datetime) -> None:
    """Note that dead letters were sent again: should one fail again, its next attempt is a row of its own."""
    _mark(con, "replayed_at", dead_letters, now)


def mark_published(con: duckdb.DuckDBPyConnection, dead_letters: Iterable[Mapping[str, Any]], now: dt.datetime) -> None:
    """Note that dead letters are in their topics."""
    _mark(con, "published_at", dead_letters, now)


def _mark(con: duckdb.DuckDBPyConnection, column: str, dead_letters: Iterable[Mapping[str, Any]], now: dt.datetime) -> None:
    places = [place_of(dead_letter) for dead_letter in dead_letters]
    con.execute(
        f"UPDATE ops.dead_letter SET {column} = ? "
        "WHERE concat_ws('/', topic, kafka_partition, kafka_offset) IN (SELECT unnest(?::VARCHAR[]))",
        [now, places],
    )


def place_of(dead_letter: Mapping[str, Any]) -> str:
    """Return where a dead letter's record is: TOPIC/PARTITION/OFFSET."""
    return f"{dead_letter['topic']}/{dead_letter['kafka_partition']}/{dead_letter['kafka_offset']}"


def headers_of(dead_letter: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Return the headers that a dead letter's record had.

    >>> headers_of({"headers": '[["content-type", "anNvbg=="]]'})
    [('content-type', b'json')]
    """
    return [(name, base64.b64decode(value)) for name, value in json.loads(dead_letter["headers"] or "[]")]


def count_dead_letters(con: duckdb.DuckDBPyConnection, *, error_class: str | None, topic: str | None) -> int:
    """Return how many there are."""
    return int(one_value(con, f"SELECT count(*) {_WHERE}", [error_class, topic]))


def read_dead_letter(con: duckdb.DuckDBPyConnection, record: str) -> dict[str, Any]:
    """Return the dead letter at TOPIC/PARTITION/OFFSET; a file's path may hold slashes. Raises NotFound."""
    topic, _, place = record.rpartition("/")
    topic, _, partition = topic.rpartition("/")
    if not topic or not partition.isdigit() or not place.isdigit():
        raise NotFound(f"{record!r} names no record: expected TOPIC/PARTITION/OFFSET, as `nisba dead-letters list` prints it.")
    there = "SELECT * FROM ops.dead_letter WHERE topic = ? AND kafka_partition = ? AND kafka_offset = ?"
    found = rows_as_dicts(con, f"{there} ORDER BY recorded_at DESC LIMIT 1", [topic, int(partition), int(place)])
    if not found:
        raise NotFound(f"no dead letter at {record}: `nisba dead-letters list` shows those there are.")
    return found[0]
