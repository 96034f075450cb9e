"""Plan what to recompute: the dirty accounts, all that their books depend on, and the identities to write again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb

from nisba.config import Config, config_hash
from warehouse.recompute.traversal import PEOPLE, Walk

__all__ = ["Scope", "plan_accounts", "plan_scope"]


@dataclass(frozen=True)
class Scope:
    """What one attribution covers. `everything` needs no lists.

    `accounts` are raw ids, closed over account links; `campaigns` those whose cost is computed anew. The nodes whose
    identity rows are replaced, and what has to be read, are in temporary tables of the connection that planned the scope.
    """

    everything: bool
    accounts: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    why: tuple[str, ...] = field(default=())


EVERYTHING_FROM = 0.5
"""Above this part of all accounts, reading everything is quicker than choosing."""


def plan_scope(con: duckdb.DuckDBPyConnection, config: Config) -> Scope | None:
    """Return what is dirty, None when nothing is."""
    if _is_new(con, config):
        return Scope(everything=True, why=("configuration",))
    accounts = [i for (i,) in con.execute("SELECT DISTINCT account_id FROM ops.dirty_account ORDER BY ALL").fetchall()]
    campaigns = [i for (i,) in con.execute("SELECT DISTINCT campaign_id FROM ops.dirty_campaign ORDER BY ALL").fetchall()]
    nodes = con.execute("SELECT count(*) FROM ops.dirty_node").fetchone()
    if not accounts and not campaigns and not (nodes and nodes[0]):
        return None
    known = con.execute("SELECT count(DISTINCT left_id) FROM ledger.pair WHERE left_kind = 'account'").fetchone()
    if known and len(accounts) > EVERYTHING_FROM * known[0]:
        return Scope(everything=True, why=("facts",))
    _plan_reading(con, "SELECT kind, id FROM ops.dirty_node", "SELECT 'account' AS kind, account_id AS id FROM ops.dirty_account")
    return Scope(False, tuple(accounts), tuple(campaigns), ("facts",))


def plan_accounts(con: duckdb.DuckDBPyConnection, accounts: Sequence[str]) -> Scope:
    """Return the scope of some accounts, dirty or not: to look at their books, not to replace them."""
    con.execute("CREATE OR REPLACE TEMP TABLE wanted_account AS SELECT 'account' AS kind, unnest(?::VARCHAR[]) AS id", [list(accounts)])
    _plan_reading(con, "FROM wanted_account WHERE false", "FROM wanted_account")
    return Scope(False, tuple(accounts))


def _is_new(con: duckdb.DuckDBPyConnection, config: Config) -> bool:
    """Tell whether the books were computed with another configuration, or never."""
    row = con.execute("SELECT config_hash FROM core.setting").fetchone()
    return row is None or row[0] != config_hash(config) or con.execute("SELECT count(*) FROM ops.dirty_everything").fetchone() != (0,)


def _plan_reading(con: duckdb.DuckDBPyConnection, nodes: str, accounts: str) -> None:
    """Make `scope_node`, whose identities are replaced, and `read_node`, whose facts are read.

    Upwards from the dirty accounts: persons that belong to them, and the visitor groups of these. Then sideways: who else claims the
    groups, and downwards again: to which other accounts the persons belong.
    """
    scope = Walk(con, "scope_node")
    scope.add(nodes)
    scope.close(("visitor",))
    scope.step(("visitor",), PEOPLE)
    scope.add(accounts)
    scope.close(("account",))
    scope.step(("account",), (*PEOPLE, "deal"))
    scope.step(("deal",), PEOPLE)
    scope.close(PEOPLE)
    scope.step((*PEOPLE, "account"), ("visitor",))
    scope.close(("visitor",))
    reading = Walk(con, "read_node")
    reading.add("SELECT kind, id FROM scope_node")
    reading.step(("visitor",), PEOPLE)
    reading.close(PEOPLE)
    reading.step(PEOPLE, ("deal", "account"))
    reading.step(("visitor",), ("account",))
    reading.close(("account",))
