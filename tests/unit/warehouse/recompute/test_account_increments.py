"""Small worlds of accounts: whatever comes in whatever batches, increments end where a recompute of everything ends.

Everything is about few accounts and few persons, so that merges, windows, deals without a company and what describes accounts meet.
"""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS
from tests.oracle.compare import assert_same_books, rows_of
from tests.strategies import Event, event, examples
from tests.unit.warehouse.landing import LINEAR, attribute, deal, empty_warehouse, land_events, touch
from warehouse.query import arrow_table
from warehouse.recompute import scope as planning
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope

FIRMS = ("a", "b:1", "c", "deal:d-1", "deal:d-2")
DAYS = tuple(f"2026-01-{day:02}T00:00:00Z" for day in (2, 10, 20))
LATER = "2026-01-21T00:00:00Z"
WHOSE = ({"person_id": "p"}, {"person_id": "q:1"}, {"visitor_id": "v"}, {"account_id": "c"}, {"visitor_id": "v", "person_id": "p"})


def link(draw: st.DrawFn, left: str, right: str, **window: str | None) -> Event:
    """Return a link or an unlink of two nodes, written `kind:id`."""
    ends = {side: dict(zip(("kind", "id"), node.split(":", 1), strict=True)) for side, node in (("left", left), ("right", right))}
    op = draw(st.sampled_from(["link", "link", "unlink"]))
    number = draw(st.integers(1, 9))
    return event("identity", "crm", f"{left}-{right}-{number}", f"2026-01-0{number}T00:00:00Z", {"op": op, **ends, **window})


@st.composite
def merges(draw: st.DrawFn) -> Event:
    left, right = draw(st.lists(st.sampled_from(FIRMS), min_size=2, max_size=2, unique=True))
    return link(draw, f"account:{left}", f"account:{right}")


@st.composite
def memberships(draw: st.DrawFn) -> Event:
    since, until = draw(st.sampled_from([None, *DAYS])), draw(st.sampled_from([None, LATER]))
    member = draw(st.sampled_from(["person:p", "person:q:1", "lead:l"]))
    return link(draw, member, f"account:{draw(st.sampled_from(FIRMS))}", since=since, until=until)


@st.composite
def devices(draw: st.DrawFn) -> Event:
    return link(draw, "visitor:v", f"account:{draw(st.sampled_from(FIRMS))}")


@st.composite
def people(draw: st.DrawFn) -> Event:
    return link(draw, draw(st.sampled_from(["lead:l", "visitor:v"])), draw(st.sampled_from(["person:p", "person:q:1"])))


@st.composite
def descriptions(draw: st.DrawFn) -> Event:
    number = draw(st.integers(1, 9))
    data = {
        "account_id": draw(st.sampled_from(FIRMS)),
        "name": draw(st.sampled_from([None, "X", "Y"])),
        "segment": draw(st.sampled_from([None, "SMB", "Mid"])),
        "deleted": draw(st.sampled_from([None, None, True])),
    }
    return event("account", "crm", f"{data['account_id']}-{number}", f"2026-01-0{number}T00:00:00Z", data)


@st.composite
def touches(draw: st.DrawFn) -> Event:
    return touch(f"t-{draw(st.integers(0, 9))}", draw(st.sampled_from(DAYS)), **{"account_id": None, **draw(st.sampled_from(WHOSE))})


@st.composite
def stages(draw: st.DrawFn) -> Event:
    names = draw(st.sampled_from([{}, {"person_id": "p"}, {"account_id": "b:1"}, {"deal_id": "d-1"}]))
    data = {"lead_id": "l", "stage": "mql", **names}
    return event("lead-stage", "crm", f"s-{draw(st.integers(0, 5))}", draw(st.sampled_from(DAYS)), data)


@st.composite
def deals(draw: st.DrawFn) -> Event:
    deal_id, revision = draw(st.sampled_from(["d-1", "d-2", "d-3"])), draw(st.integers(0, 5))
    data = {
        "account_id": draw(st.sampled_from([None, "a", "b:1", "deal:d-2"])),
        "contact_ids": draw(st.sampled_from([[], ["p"], ["q:1"]])),
        "segment": draw(st.sampled_from([None, None, "Own"])),
        "deleted": draw(st.sampled_from([None, None, None, True])),
    }
    return deal(f"{deal_id}-{revision}", deal_id=deal_id, revision=revision, **data)


WORLD = st.one_of(descriptions(), merges(), memberships(), devices(), people(), touches(), touches(), stages(), deals(), deals())


def books(con: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    selects = {
        name: f"SELECT {', '.join(schema.names)} FROM {'ops' if name == 'held' else 'core'}.{name}" for name, schema in BOOK_SCHEMAS.items()
    }
    return {name: arrow_table(con, select).cast(BOOK_SCHEMAS[name]).to_pylist() for name, select in selects.items()}


@examples(10, of_profile=0.25)
@given(st.lists(WORLD, min_size=4, max_size=22), st.randoms(use_true_random=False), st.integers(1, 4))
def test_increments_end_where_one_go_ends(events: list[Event], dice: random.Random, batches: int) -> None:
    """Whatever is dirty is chosen: worlds so small would be read whole."""
    cut = sorted(dice.sample(range(1, len(events)), min(batches, len(events) - 1)))
    with pytest.MonkeyPatch.context() as patch, empty_warehouse() as con:
        patch.setattr(planning, "EVERYTHING_FROM", 2.0)
        attribute(con)
        for low, high in zip([0, *cut], [*cut, len(events)], strict=True):
            land_events(con, *events[low:high])
            attribute(con)
            assert_same_books(rows_of(fold(read_facts(con, Scope(everything=True)), LINEAR).tables()), books(con))
