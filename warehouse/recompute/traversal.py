"""Traverse the adjacency of the ledger: from nodes to their neighbours of some kinds, a step or whole components at a time."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.facts import TEXT
from warehouse.query import arrow_table, relations

__all__ = ["NODES", "PEOPLE", "Traversal", "ids_of", "of_kinds"]

PEOPLE = ("person", "lead")
NODES = pa.schema([("kind", TEXT), ("id", TEXT)])


class Traversal:
    """A growing set of nodes; the set so far, `nodes`, is a value of NODES, each node there once."""

    def __init__(self, con: duckdb.DuckDBPyConnection, nodes: pa.Table | None = None) -> None:
        """Start at some nodes, perhaps several times there."""
        self.con, self.nodes = con, NODES.empty_table()
        self.add(self.nodes if nodes is None else nodes)

    def add(self, nodes: pa.Table) -> pa.Table:
        """Add the nodes that are not there yet, and return them."""
        new = (
            nodes.filter(pc.invert(pc.is_in(_keys(nodes), value_set=_keys(self.nodes))))
            .group_by(NODES.names, use_threads=False)
            .aggregate([])
        )
        self.nodes = pa.concat_tables([self.nodes, new])
        return new

    def step(self, origins: Sequence[str], targets: Sequence[str]) -> pa.Table:
        """Add the neighbours of some kinds of all nodes of some kinds, and return those that were not there yet."""
        return self.add(self._neighbours(of_kinds(self.nodes, origins), targets))

    def close(self, kinds: Sequence[str]) -> None:
        """Add neighbours within some kinds until there are no more: whole components."""
        frontier = of_kinds(self.nodes, kinds)
        while len(frontier):
            frontier = self.add(self._neighbours(frontier, kinds))

    def _neighbours(self, origins: pa.Table, kinds: Sequence[str]) -> pa.Table:
        """Return the neighbours of some kinds, those of several nodes several times."""
        if not len(origins):
            return origins
        with relations(self.con, origin=origins):
            return arrow_table(
                self.con,
                f"""
                SELECT right_kind AS kind, right_id AS id FROM ledger.pair
                SEMI JOIN origin ON origin.kind = left_kind AND origin.id = left_id
                WHERE right_kind IN ({", ".join(f"'{kind}'" for kind in kinds)})
                """,
            )


def _keys(nodes: pa.Table) -> pa.ChunkedArray:
    """Return nodes as one text each; no kind has a colon."""
    return pc.binary_join_element_wise(nodes["kind"], nodes["id"], ":")


def of_kinds(nodes: pa.Table, kinds: Sequence[str]) -> pa.Table:
    """Return the nodes of some kinds."""
    return nodes.filter(pc.is_in(nodes["kind"], value_set=pa.array(kinds, TEXT)))


def ids_of(nodes: pa.Table, kind: str) -> pa.Table:
    """Return the ids of the nodes of a kind: one column, `id`."""
    return of_kinds(nodes, (kind,)).select(["id"])
