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
    """A growing set of nodes, which was nowhere twice; the set so far, `nodes`, is a value of NODES."""

    def __init__(self, con: duckdb.DuckDBPyConnection, nodes: pa.Table | None = None) -> None:
        """Start at nodes, each there once."""
        self.con, self.nodes = con, NODES.empty_table() if nodes is None else nodes

    def add(self, nodes: pa.Table) -> pa.Table:
        """Add the nodes that are not there yet, and return them."""
        return self._grow("SELECT kind, id FROM origin", nodes) if len(nodes) else nodes

    def step(self, origins: Sequence[str], targets: Sequence[str]) -> pa.Table:
        """Add the neighbours of some kinds of all nodes of some kinds, and return those that were not there yet."""
        return self._step(of_kinds(self.nodes, origins), targets)

    def close(self, kinds: Sequence[str]) -> None:
        """Add neighbours within some kinds until there are no more: whole components."""
        frontier = of_kinds(self.nodes, kinds)
        while len(frontier):
            frontier = self._step(frontier, kinds)

    def _step(self, origins: pa.Table, targets: Sequence[str]) -> pa.Table:
        """Add the neighbours of nodes."""
        kinds = ", ".join(f"'{kind}'" for kind in targets)
        neighbours = f"""
            SELECT right_kind AS kind, right_id AS id FROM ledger.pair
            SEMI JOIN origin ON origin.kind = left_kind AND origin.id = left_id
            WHERE right_kind IN ({kinds})
        """
        return self._grow(neighbours, origins) if len(origins) else origins

    def _grow(self, select: str, origins: pa.Table) -> pa.Table:
        """Add what a SELECT over `origin` finds, and return what is new."""
        with relations(self.con, origin=origins, reached=self.nodes):
            new = arrow_table(self.con, f"SELECT DISTINCT kind, id FROM ({select}) ANTI JOIN reached USING (kind, id) WHERE id IS NOT NULL")
        self.nodes = pa.concat_tables([self.nodes, new])
        return new


def of_kinds(nodes: pa.Table, kinds: Sequence[str]) -> pa.Table:
    """Return the nodes of some kinds."""
    return nodes.filter(pc.is_in(nodes["kind"], value_set=pa.array(kinds, TEXT)))


def ids_of(nodes: pa.Table, kind: str) -> pa.Table:
    """Return the ids of the nodes of a kind: one column, `id`."""
    return of_kinds(nodes, (kind,)).select(["id"])
