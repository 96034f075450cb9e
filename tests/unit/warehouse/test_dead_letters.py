"""Dead letters in the warehouse: found by class, topic and place, replayed once, sent to their topic once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from nisba.errors import NotFound
from schemas.refusals import DEAD_LETTER_SCHEMA
from tests.unit.warehouse.landing import empty_warehouse
from warehouse.dead_letters import (
    count_dead_letters,
    find_dead_letters,
    headers_of,
    land_dead_letters,
    mark_published,
    mark_replayed,
    place_of,
    read_dead_letter,
    replayable_dead_letters,
    unpublished_dead_letters,
)

NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.timezone.utc)
LATER = NOON + dt.timedelta(hours=1)
FILE = "exports/2026/touches.jsonl"


def letter(topic: str, offset: int, error_class: str = "malformed", value: bytes = b"{}", **more: Any) -> dict[str, Any]:
    fixed = {"topic": topic, "kafka_partition": 0, "kafka_offset": offset, "error_class": error_class, "message": "not an event"}
    return fixed | {"value": value, "attempt": 0} | more


def table(*letters: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(letters), DEAD_LETTER_SCHEMA)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Three letters of a topic, one of a file."""
    with empty_warehouse() as connection:
        land_dead_letters(connection, table(letter("deals", 7), letter("deals", 3, "unknown_type"), letter(FILE, 0)), NOON)
        land_dead_letters(connection, table(letter("deals", 9)), LATER)
        yield connection


def places(letters: list[dict[str, Any]]) -> list[str]:
    return [place_of(one) for one in letters]


def test_letters_are_found_by_class_and_topic_the_latest_first(con: duckdb.DuckDBPyConnection) -> None:
    assert places(find_dead_letters(con, error_class=None, topic=None, limit=None)) == [
        "deals/0/9",
        "deals/0/3",
        "deals/0/7",
        f"{FILE}/0/0",
    ]
    assert places(find_dead_letters(con, error_class="malformed", topic="deals", limit=None)) == ["deals/0/9", "deals/0/7"]
    assert places(find_dead_letters(con, error_class=None, topic=None, limit=1)) == ["deals/0/9"]
    assert find_dead_letters(con, error_class="none such", topic=None, limit=None) == []


@pytest.mark.parametrize(
    ("error_class", "topic", "count"), [(None, None, 4), ("malformed", None, 3), (None, "deals", 3), ("unknown_type", FILE, 0)]
)
def test_letters_are_counted_as_they_are_found(
    con: duckdb.DuckDBPyConnection, error_class: str | None, topic: str | None, count: int
) -> None:
    assert count_dead_letters(con, error_class=error_class, topic=topic) == count
    assert len(find_dead_letters(con, error_class=error_class, topic=topic, limit=None)) == count


def test_letter_is_read_at_its_place_though_a_path_has_slashes(con: duckdb.DuckDBPyConnection) -> None:
    found = read_dead_letter(con, f"{FILE}/0/0")
    assert (found["topic"], found["value"], found["recorded_at"]) == (FILE, b"{}", NOON)


@pytest.mark.parametrize("record", ["deals", "deals/0", "deals/x/7", "/0/7", "deals/0/-7"])
def test_what_is_no_place_is_refused(con: duckdb.DuckDBPyConnection, record: str) -> None:
    with pytest.raises(NotFound, match="names no record: expected TOPIC/PARTITION/OFFSET"):
        read_dead_letter(con, record)


def test_place_without_a_letter_is_told_from_what_is_no_place(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NotFound, match="no dead letter at deals/0/8"):
        read_dead_letter(con, "deals/0/8")


def test_letter_is_replayed_once_in_the_order_of_the_log(con: duckdb.DuckDBPyConnection) -> None:
    waiting = replayable_dead_letters(con, error_class="malformed", topic=None)
    assert places(waiting) == ["deals/0/7", "deals/0/9", f"{FILE}/0/0"]
    mark_replayed(con, waiting[:2], LATER)
    assert places(replayable_dead_letters(con, error_class=None, topic=None)) == ["deals/0/3", f"{FILE}/0/0"]
    assert read_dead_letter(con, "deals/0/9")["replayed_at"] == LATER


def test_letters_of_topics_are_published_once_those_of_files_never(con: duckdb.DuckDBPyConnection) -> None:
    waiting = unpublished_dead_letters(con, topics=["deals", "touches"])
    assert places(waiting) == ["deals/0/3", "deals/0/7", "deals/0/9"]
    mark_published(con, waiting, LATER)
    assert unpublished_dead_letters(con, topics=["deals"]) == []
    assert read_dead_letter(con, f"{FILE}/0/0")["published_at"] is None
    mark_published(con, [], LATER)


def test_same_line_refused_again_is_the_same_letter_another_at_its_place_is_not(con: duckdb.DuckDBPyConnection) -> None:
    """A file may be written anew under its name; a record without a value (a tombstone) is refused once too."""
    assert land_dead_letters(con, table(letter("deals", 7), letter("deals", 7, value=b"other")), LATER) == 1
    for expected in (1, 0):
        assert land_dead_letters(con, table(letter("deals", 8, value=None)), LATER) == expected  # type: ignore[arg-type]
    assert read_dead_letter(con, "deals/0/7")["value"] == b"other"


def test_headers_are_bytes_again() -> None:
    assert headers_of({"headers": '[["a", "AAE="], ["a", ""]]'}) == [("a", b"\x00\x01"), ("a", b"")]
    assert headers_of({"headers": None}) == []
