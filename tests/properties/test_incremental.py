"""The central promise: whatever the order, batching and repetition, the books in the warehouse are the fold of all events.

The oracle computes the books here, from exactly the facts that a scope reads back; so what is on trial is the warehouse alone:
what it marks dirty, what it reads and what it replaces.
"""

from __future__ import annotations

import random

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from tests import oracle
from tests.oracle import Rows
from tests.oracle.compare import assert_same_books
from tests.oracle.ledger import fold_facts
from tests.strategies import Event, configs, event_sets, examples
from tests.unit.warehouse.landing import decoded, empty_warehouse
from warehouse.loader import land, replace_books
from warehouse.recompute import scope as planning
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import plan_scope


def land_events(con: duckdb.DuckDBPyConnection, events: list[Event], config: Config) -> None:
    land(con, facts=decoded(events), dead_letters=None, offsets=[], records=len(events))


def attribute(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Recompute what is dirty, by the oracle."""
    scope = plan_scope(con, config)
    if scope is not None:
        replace_books(con, scope=scope, books=fold_facts(read_facts(con, scope), config), config=config)


def books_in(con: duckdb.DuckDBPyConnection) -> Rows:
    """Return the rows of `core.*` and `ops.held`."""
    found = {}
    for name, schema in BOOK_SCHEMAS.items():
        table = "ops.held" if name == "held" else f"core.{name}"
        found[name] = con.execute(f"SELECT {', '.join(schema.names)} FROM {table}").arrow().read_all().cast(schema).to_pylist()
    return found


def check_incremental(batches: list[list[Event]], config: Config, attributed: list[bool]) -> None:
    """Land batch after batch, attribute after some of them, and compare with the fold of everything at every step."""
    with empty_warehouse() as con:
        attribute(con, config)
        seen: list[Event] = []
        for events, now in zip(batches, attributed, strict=True):
            land_events(con, events, config)
            seen += events
            if now:
                attribute(con, config)
                assert_same_books(oracle.fold(seen, config), books_in(con))


@examples(25, of_profile=0.5)
@given(event_sets(), configs(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_books_in_the_warehouse_are_the_fold_of_all_events(events: list[Event], config: Config, dice: random.Random, batches: int) -> None:
    again = [*events, *dice.sample(events, len(events) // 4)]
    dice.shuffle(again)
    cut = sorted(dice.sample(range(len(again)), min(batches, len(again))))
    parts = [again[low:high] for low, high in zip([0, *cut], [*cut, len(again)], strict=True)]
    attributed = [dice.random() < 0.7 for _ in parts[:-1]] + [True]
    planning_everything, planning.EVERYTHING_FROM = planning.EVERYTHING_FROM, 2.0
    try:
        check_incremental(parts, config, attributed)
    finally:
        planning.EVERYTHING_FROM = planning_everything
