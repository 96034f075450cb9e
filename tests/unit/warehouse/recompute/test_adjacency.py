"""Which edges facts name, by type, and that the ledger remembers each once, both ways round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.strategies import Event, event
from tests.unit.warehouse.landing import deal, decoded, empty_warehouse, touch
from warehouse.recompute.adjacency import EDGES, named_edges, remember_edges

TIME = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty_warehouse() as connection:
        yield connection


def edge(left: str | None, right: str | None) -> tuple[str | None, ...]:
    """Return an edge of nodes written as kind:id."""
    return tuple(part for node in (left, right) for part in ((None, None) if node is None else node.split(":")))


def edges_of(con: duckdb.DuckDBPyConnection, *events: Event) -> set[tuple[Any, ...]]:
    rows = named_edges(con, decoded(events)).to_pylist()
    found = {tuple(row.values()) for row in rows}
    assert len(found) == len(rows), "an edge is named twice"
    # a node without an id beside it is no node: its kind does not matter
    return {(*(left if left[1] else (None, None)), *(right if right[1] else (None, None))) for *left, a, b in found for right in [(a, b)]}


def identity(left: tuple[str, str], right: tuple[str, str]) -> Event:
    sides = {side: {"kind": kind, "id": id_} for side, (kind, id_) in (("left", left), ("right", right))}
    return event("identity", "crm", "i-1", TIME, {"op": "link", **sides})


OWN = ("account", "deal:d-1")
"""What a deal that names no account has for one."""

CASES: dict[str, tuple[Event, set[tuple[str | None, ...]]]] = {
    "touch_of_an_account": (touch("t"), {edge(None, "account:acme")}),
    "touch_of_everybody": (
        touch("t", person_id="p", visitor_id="v"),
        {edge("visitor:v", "person:p"), edge("person:p", "account:acme"), edge("visitor:v", "account:acme")},
    ),
    "touch_of_a_visitor": (touch("t", account_id=None, visitor_id="v"), {edge("visitor:v", None)}),
    "lead_that_became_a_deal": (
        event("lead-stage", "crm", "l", TIME, {"lead_id": "l", "stage": "sql", "person_id": "p", "account_id": "acme", "deal_id": "d"}),
        {edge("lead:l", "person:p"), edge("lead:l", "account:acme"), edge("person:p", "account:acme"), edge("lead:l", "deal:d")},
    ),
    "lead_alone": (event("lead-stage", "crm", "l", TIME, {"lead_id": "l", "stage": "mql"}), {edge("lead:l", None)}),
    "deal_without_contacts": (deal("e"), {edge("deal:d-1", "account:acme")}),
    "deal_with_contacts_one_of_them_primary": (
        deal("e", contact_ids=["p", "q"], primary_contact_id="p"),
        {
            edge("deal:d-1", "account:acme"),
            *(one for name in "pq" for one in (edge(f"person:{name}", "account:acme"), edge(f"person:{name}", "deal:d-1"))),
        },
    ),
    "deal_with_a_primary_contact_alone": (
        deal("e", primary_contact_id="p"),
        {edge("deal:d-1", "account:acme"), edge("person:p", "account:acme"), edge("person:p", "deal:d-1")},
    ),
    "deal_without_an_account": (
        deal("e", account_id=None, contact_ids=["p"]),
        {(*edge("deal:d-1", None)[:2], *OWN), ("person", "p", *OWN), edge("person:p", "deal:d-1")},
    ),
    "account": (
        event("account", "crm", "a", TIME, {"account_id": "acme", "name": "Acme", "parent_id": "group"}),
        {edge("account:acme", None)},
    ),
    "link": (identity(("visitor", "v"), ("person", "p")), {edge("visitor:v", "person:p")}),
    "adjustment": (
        event(
            "adjustment",
            "erp",
            "m",
            TIME,
            {"adjustment_id": "a", "deal_id": "d", "amount": "-1.00", "currency": "USD", "effective_at": TIME},
        ),
        {edge("deal:d", None)},
    ),
    "rate": (event("fx", "ecb", "f", TIME, {"date": "2026-01-01", "base": "EUR", "quote": "USD", "rate": "1.1"}), set()),
}


@pytest.mark.parametrize("name", CASES)
def test_fact_names_its_edges(con: duckdb.DuckDBPyConnection, name: str) -> None:
    fact, expected = CASES[name]
    assert edges_of(con, fact) == expected


def test_facts_of_several_types_name_an_edge_once(con: duckdb.DuckDBPyConnection) -> None:
    facts = [touch("t-1", person_id="p"), touch("t-2", person_id="p"), deal("e", contact_ids=["p"])]
    assert edge("person:p", "account:acme") in edges_of(con, *facts)
    assert named_edges(con, {}).schema == EDGES


def test_edge_is_remembered_once_both_ways_round_and_a_node_alone_not_at_all(con: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        rows = [edge("person:p", "account:a"), edge("deal:d", "deal:d"), edge("person:q", None), edge(None, "account:b")]
        remember_edges(con, pa.Table.from_pylist([dict(zip(EDGES.names, row, strict=True)) for row in rows], EDGES))
    found = con.execute("FROM ledger.pair ORDER BY ALL").fetchall()
    assert found == [edge("account:a", "person:p"), edge("deal:d", "deal:d"), edge("person:p", "account:a")]
