"""Walk over the pairs of the ledger: from nodes to the accounts whose books they touch, and from accounts to what their books need."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

__all__ = ["PEOPLE", "Walk"]

PEOPLE = ("person", "lead")


class Walk:
    """A growing set of nodes, in a temporary table of (kind, id)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        self.con, self.name = con, name
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} (kind VARCHAR, id VARCHAR)")

    def add(self, select: str, parameters: Sequence[object] = ()) -> int:
        """Add the (kind, id) of a SELECT that are not there yet; return how many."""
        row = self.con.execute(
            f"INSERT INTO {self.name} SELECT DISTINCT kind, id FROM ({select}) AS new"
            f" ANTI JOIN {self.name} AS old USING (kind, id) WHERE id IS NOT NULL",
            list(parameters),
        ).fetchone()
        return int(row[0]) if row else 0

    def step(self, origins: Sequence[str], targets: Sequence[str]) -> int:
        """Add the neighbours of some kinds of all nodes of some kinds; return how many were new."""
        return self.add(
            f"SELECT pair.right_kind AS kind, pair.right_id AS id FROM ledger.pair AS pair"
            f" SEMI JOIN {self.name} AS here ON here.kind = pair.left_kind AND here.id = pair.left_id"
            f" WHERE pair.left_kind IN ({_quoted(origins)}) AND pair.right_kind IN ({_quoted(targets)})"
        )

    def close(self, kinds: Sequence[str]) -> None:
        """Add neighbours within some kinds until there are no more: whole components."""
        while self.step(kinds, kinds):
            pass

    def accounts_below(self) -> None:
        """Walk down to every account whose books may depend on the nodes.

        Persons that change may gain or lose the touches of the visitors they claim, which then count for the accounts of these
        visitors, under another actor or not at all: persons → visitor groups → accounts. Visitor groups that change belong to
        other persons: groups → who claims them → accounts. Leads → the deals they are named with → accounts.
        """
        self.close(PEOPLE)
        claimed = Walk(self.con, f"{self.name}_claimed")
        claimed.add(f"FROM {self.name} WHERE kind IN ({_quoted(PEOPLE)})")
        claimed.step(PEOPLE, ("visitor",))
        claimed.close(("visitor",))
        claimed.step(("visitor",), ("account",))
        self.close(("visitor",))
        self.step(("visitor",), (*PEOPLE, "account"))
        self.close(PEOPLE)
        self.step(PEOPLE, ("account", "deal"))
        self.step(("deal",), ("account",))
        self.add(f"FROM {claimed.name} WHERE kind = 'account'")
        self.close(("account",))


def _quoted(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
