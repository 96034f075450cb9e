"""Traverse the adjacency of the ledger: from nodes to their neighbours of some kinds, a step or whole components at a time."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.columns import Vocabulary
from nisba.attribution.components import smallest_of_component
from nisba.attribution.facts import TEXT
from warehouse.query import arrow_table, relations

__all__ = ["NODES", "PEOPLE", "Traversal", "ids_of", "of_kinds"]

PEOPLE = ("person", "lead")
STEPS = 8
"""So many statements look for the end of a component before all links are looked at."""
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
        """Add neighbours within some kinds until there are no more: whole components.

        Most components are small, and a few steps reach all of one. Where they do not (merges make chains), all links are looked at once.
        """
        frontier = of_kinds(self.nodes, kinds)
        for _ in range(STEPS):
            if not len(frontier):
                return
            frontier = self.add(self._neighbours(frontier, kinds))
        if len(frontier):
            self.add(self._components(frontier, kinds))

    def _components(self, origins: pa.Table, kinds: Sequence[str]) -> pa.Table:
        """Return the nodes of the components of some nodes, over all links within some kinds."""
        among = ", ".join(f"'{kind}'" for kind in kinds)
        links = arrow_table(
            self.con,
            f"SELECT left_kind || ':' || left_id AS one, right_kind || ':' || right_id AS other FROM ledger.pair"
            f" WHERE left_kind IN ({among}) AND right_kind IN ({among})",
        )
        nodes = Vocabulary.of(links["one"], links["other"])
        first = smallest_of_component(len(nodes), nodes.codes(links["one"]), nodes.codes(links["other"]))
        reached = np.isin(first, first[nodes.codes(_keys(origins))])
        parts = pc.split_pattern(nodes.values.filter(pa.array(reached)), pattern=":", max_splits=1)
        return pa.table([pc.list_element(parts, 0), pc.list_element(parts, 1)], schema=NODES)

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
