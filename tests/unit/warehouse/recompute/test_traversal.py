"""Traversal of the adjacency in the ledger, beside a search through a graph of Python sets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import examples
from tests.unit.warehouse.landing import empty_warehouse
from warehouse.query import arrow_table
from warehouse.recompute import traversal
from warehouse.recompute.adjacency import EDGES, remember_edges
from warehouse.recompute.traversal import NODES, PEOPLE, Traversal, ids_of, of_kinds

Node = tuple[str, str]
KINDS = ("visitor", "person", "lead", "account", "deal")
SOME_NODES = st.tuples(st.sampled_from(KINDS), st.sampled_from(["1", "2", "3", "a:b", "Ж"]))
SOME_KINDS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True)
MOVES = st.one_of(
    st.tuples(st.just("add"), SOME_NODES),
    st.tuples(st.just("step"), SOME_KINDS, SOME_KINDS),
    st.tuples(st.just("close"), SOME_KINDS),
)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse for all tests, each of which sets its edges."""
    with empty_warehouse() as connection:
        yield connection


def set_edges(con: duckdb.DuckDBPyConnection, edges: Sequence[tuple[Node, Node]]) -> None:
    con.execute("DELETE FROM ledger.pair")
    remember_edges(con, pa.Table.from_pylist([dict(zip(EDGES.names, (*left, *right), strict=True)) for left, right in edges], EDGES))


def table(nodes: Sequence[Node]) -> pa.Table:
    return pa.Table.from_pylist([{"kind": kind, "id": id_} for kind, id_ in nodes], NODES)


def listed(nodes: pa.Table) -> list[Node]:
    return sorted(zip(nodes["kind"].to_pylist(), nodes["id"].to_pylist(), strict=True))


class Graph:
    """What Traversal should do: sets and loops."""

    def __init__(self, edges: Sequence[tuple[Node, Node]], nodes: Sequence[Node]) -> None:
        self.edges = {*edges, *((right, left) for left, right in edges)}
        self.nodes = set(nodes)

    def add(self, node: Node) -> None:
        self.nodes.add(node)

    def step(self, origins: Sequence[str], targets: Sequence[str]) -> None:
        self.nodes |= {right for left, right in self.edges if left in self.nodes and left[0] in origins and right[0] in targets}

    def close(self, kinds: Sequence[str]) -> None:
        before = -1
        while len(self.nodes) != before:
            before = len(self.nodes)
            self.step(kinds, kinds)


@examples(30)
@given(st.lists(st.tuples(SOME_NODES, SOME_NODES), max_size=14), st.lists(SOME_NODES, max_size=3), st.lists(MOVES, max_size=5))
def test_nodes_are_those_that_a_search_through_a_graph_finds(
    con: duckdb.DuckDBPyConnection, edges: list[tuple[Node, Node]], start: list[Node], moves: list[Any]
) -> None:
    set_edges(con, edges)
    graph, traversal = Graph(edges, start), Traversal(con, table(start))
    for name, *arguments in moves:
        before, nodes = set(graph.nodes), traversal.nodes
        getattr(graph, name)(*arguments)
        new = traversal.add(table(arguments)) if name == "add" else getattr(traversal, name)(*arguments)
        assert listed(traversal.nodes) == sorted(graph.nodes)  # each of them once
        assert new is None or listed(new) == sorted(graph.nodes - before)
        assert listed(nodes) == sorted(before)  # a value that was handed out does not grow


CHAIN = [(("person", str(number)), ("person", str(number + 1))) for number in range(1, 40)]


def test_component_is_closed_however_long_it_is(con: duckdb.DuckDBPyConnection) -> None:
    set_edges(con, [*CHAIN, (("person", "40"), ("account", "acme")), (("account", "acme"), ("person", "99"))])
    reached = Traversal(con, table([("person", "20")]))
    reached.close(PEOPLE)
    assert len(reached.nodes) == 40
    assert listed(reached.step(PEOPLE, ("account",))) == [("account", "acme")]
    assert listed(reached.step(("account",), PEOPLE)) == [("person", "99")]


def test_closing_goes_only_through_nodes_of_its_kinds(con: duckdb.DuckDBPyConnection) -> None:
    """Two persons of one account are not one component of persons."""
    set_edges(con, [(("person", "1"), ("account", "acme")), (("account", "acme"), ("person", "2"))])
    reached = Traversal(con, table([("person", "1")]))
    reached.close(PEOPLE)
    assert listed(reached.nodes) == [("person", "1")]
    reached.close(("person", "account"))
    assert listed(reached.nodes) == [("account", "acme"), ("person", "1"), ("person", "2")]


def test_same_id_of_two_kinds_is_two_nodes(con: duckdb.DuckDBPyConnection) -> None:
    set_edges(con, [(("person", "x"), ("account", "a")), (("lead", "x"), ("account", "b"))])
    reached = Traversal(con, table([("lead", "x")]))
    assert listed(reached.step(PEOPLE, ("account",))) == [("account", "b")]


def test_nodes_that_start_twice_are_there_once(con: duckdb.DuckDBPyConnection) -> None:
    reached = Traversal(con, table([("deal", "d"), ("deal", "d")]))
    assert listed(reached.nodes) == [("deal", "d")]
    assert len(reached.add(table([("deal", "d")]))) == 0
    assert len(Traversal(con).nodes) == 0


def test_two_traversals_of_one_connection_do_not_meet(con: duckdb.DuckDBPyConnection) -> None:
    set_edges(con, [(("person", "1"), ("account", "a")), (("person", "2"), ("account", "b"))])
    one, other = (Traversal(con, table([("person", name)])) for name in ("1", "2"))
    other.step(PEOPLE, ("account",))
    one.step(PEOPLE, ("account",))
    assert (listed(one.nodes), listed(other.nodes)) == ([("account", "a"), ("person", "1")], [("account", "b"), ("person", "2")])


def test_nodes_of_some_kinds_and_ids_of_one() -> None:
    nodes = table([("person", "1"), ("lead", "2"), ("deal", "1")])
    assert listed(of_kinds(nodes, PEOPLE)) == [("lead", "2"), ("person", "1")]
    assert ids_of(nodes, "deal").to_pydict() == {"id": ["1"]}
    assert len(of_kinds(nodes, ("account",))) == 0


def test_a_chain_of_a_thousand_merges_takes_a_few_statements(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever end it is entered by; another component, and links of other kinds, are left alone."""
    chain = [("account", f"a:{number:04}") for number in range(1_000)]
    others = [(("account", "x"), ("account", "y")), (("person", "p"), chain[7]), (("person", "p"), ("account", "x"))]
    set_edges(con, [*itertools.pairwise(chain), *others])
    asked: list[str] = []

    def counted(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
        asked.append(sql)
        return arrow_table(connection, sql)

    monkeypatch.setattr(traversal, "arrow_table", counted)
    for start in (chain[0], chain[500], chain[-1]):
        asked.clear()
        reached = Traversal(con, table([start]))
        reached.close(("account",))
        assert listed(reached.nodes) == chain
        assert len(asked) == traversal.STEPS + 1


@pytest.mark.parametrize("length", [2, traversal.STEPS, traversal.STEPS + 1, traversal.STEPS + 2])
def test_chains_of_every_length_are_found_whole(con: duckdb.DuckDBPyConnection, length: int) -> None:
    chain = [("lead" if number % 2 else "person", f"{number:02}") for number in range(length)]
    set_edges(con, list(itertools.pairwise(chain)))
    reached = Traversal(con, table(chain[:1]))
    reached.close(PEOPLE)
    assert listed(reached.nodes) == sorted(chain)
