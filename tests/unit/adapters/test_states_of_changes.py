"""The frame's pattern by which changes of properties become states: against a plain fold over the changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.frame.session import _create_macros

Change = tuple[str, str, int, str | None]  # id, name, milliseconds, value
State = tuple[dict[str, str | None], bool]

NAMES = ("stage", "amount", "close")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([*NAMES, "owner"]),
        st.integers(1, 12),
        st.none() | st.sampled_from(["1", "2", "x"]),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    _create_macros(connection)
    connection.execute("CREATE TABLE given (id VARCHAR, name VARCHAR, changed_ms BIGINT, value VARCHAR)")
    return connection


def states(con: duckdb.DuckDBPyConnection, changes: Iterable[Change], versions: int) -> dict[tuple[str, int], State]:
    con.execute("TRUNCATE given")
    if rows := list(changes):
        con.executemany("INSERT INTO given VALUES (?, ?, ?, ?)", rows)
    found = con.execute(f"SELECT id, changed_ms, state, is_whole FROM states_of('given', {list(NAMES)}, {versions})").fetchall()
    assert len(found) == len({(id, ms) for id, ms, *_ in found})
    return {(id, ms): (state, is_whole) for id, ms, state, is_whole in found}


def folded(changes: Iterable[Change], versions: int) -> dict[tuple[str, int], State]:
    """Return the same, one change after the other."""
    by_id: dict[str, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for id, name, ms, value in changes:
        if name not in NAMES:
            continue
        together = by_id[id][ms]
        together[name] = max(together.get(name, ""), value or "")
    out: dict[tuple[str, int], State] = {}
    for id, moments in by_id.items():
        times = {name: [ms for ms in sorted(moments) if name in moments[ms]] for each in moments.values() for name in each}
        since = max((known[0] for known in times.values() if len(known) >= versions), default=0)
        state: dict[str, str | None] = dict.fromkeys(NAMES)
        for ms in sorted(moments):
            state = {**state, **{name: value or None for name, value in moments[ms].items()}}
            out[id, ms] = state, ms >= since
    return out


@given(changes=CHANGES, versions=st.integers(1, 6))
def test_states_are_the_fold_of_the_changes(con: duckdb.DuckDBPyConnection, changes: list[Change], versions: int) -> None:
    assert states(con, changes, versions) == folded(changes, versions)


def test_by_hand(con: duckdb.DuckDBPyConnection) -> None:
    changes: list[Change] = [
        ("a", "stage", 1, "new"),
        ("a", "amount", 2, "5"),
        ("a", "stage", 3, "won"),
        ("a", "amount", 3, None),
        ("b", "stage", 9, "new"),
    ]
    assert states(con, changes, 20) == {
        ("a", 1): ({"stage": "new", "amount": None, "close": None}, True),
        ("a", 2): ({"stage": "new", "amount": "5", "close": None}, True),
        ("a", 3): ({"stage": "won", "amount": None, "close": None}, True),
        ("b", 9): ({"stage": "new", "amount": None, "close": None}, True),
    }
    assert [is_whole for _, is_whole in states(con, changes, 2).values()].count(False) == 1
