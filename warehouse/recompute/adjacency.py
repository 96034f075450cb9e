"""Which nodes a fact names, and which it names together: the edges behind invalidation and scope.

A superset of the links: void links, superseded states and retracted touches stay in it, because their going away changes figures too.
Beside the four kinds of nodes, deals are nodes here: a lead stage makes a deal's lead creation.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from nisba.attribution.facts import TEXT
from nisba.attribution.preparation import DEAL_ACCOUNT
from warehouse.query import arrow_table, relations

__all__ = ["ACCOUNT_OF_DEAL", "EDGES", "named_edges", "remember_edges"]

EDGES = pa.schema([("left_kind", TEXT), ("left_id", TEXT), ("right_kind", TEXT), ("right_id", TEXT)])
"""Two nodes that a fact names together; a node named alone has null beside it."""

_CONTACTS = "list_distinct(list_append(coalesce(contact_ids, []), primary_contact_id))"
ACCOUNT_OF_DEAL = f"coalesce(account_id, '{DEAL_ACCOUNT}' || deal_id)"
"""The account that a deal's state names in SQL, else the one of its own."""

# left kind, left id, right kind, right id
_NAMED: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "touch": (
        ("'visitor'", "visitor_id", "'person'", "person_id"),
        ("'person'", "person_id", "'account'", "account_id"),
        ("'visitor'", "visitor_id", "'account'", "account_id"),
    ),
    "lead_stage": (
        ("'lead'", "lead_id", "'person'", "person_id"),
        ("'lead'", "lead_id", "'account'", "account_id"),
        ("'person'", "person_id", "'account'", "account_id"),
        ("'lead'", "lead_id", "'deal'", "deal_id"),
    ),
    "deal": (
        ("'deal'", "deal_id", "'account'", ACCOUNT_OF_DEAL),
        ("'person'", f"unnest({_CONTACTS})", "'account'", ACCOUNT_OF_DEAL),
        ("'person'", f"unnest({_CONTACTS})", "'deal'", "deal_id"),
    ),
    "identity": (("left_kind", "left_id", "right_kind", "right_id"),),
    "adjustment": (("'deal'", "deal_id", "NULL", "NULL"),),
    "account": (("'account'", "account_id", "NULL", "NULL"),),
}


def named_edges(con: duckdb.DuckDBPyConnection, facts: Mapping[str, pa.Table]) -> pa.Table:
    """Return the distinct EDGES that facts, tables by type, name; types without nodes may be among them."""
    naming = {fact_type: table for fact_type, table in facts.items() if fact_type in _NAMED and len(table)}
    if not naming:
        return EDGES.empty_table()
    selects = " UNION ALL ".join(
        f"SELECT {left_kind} AS left_kind, {left_id} AS left_id, {right_kind} AS right_kind, {right_id} AS right_id FROM {fact_type}"
        for fact_type in naming
        for left_kind, left_id, right_kind, right_id in _NAMED[fact_type]
    )
    with relations(con, **naming):
        edges = arrow_table(con, f"SELECT DISTINCT * FROM ({selects}) WHERE left_id IS NOT NULL OR right_id IS NOT NULL")
    return edges.cast(EDGES)  # where all facts name nodes alone, the column beside them has no type of its own


def remember_edges(con: duckdb.DuckDBPyConnection, edges: pa.Table) -> None:
    """Add edges to `ledger.pair`, which remembers them for ever, both ways round."""
    with relations(con, named=edges):
        con.execute("""
            INSERT INTO ledger.pair
            WITH edge AS (FROM named WHERE left_id IS NOT NULL AND right_id IS NOT NULL)
            SELECT * FROM (FROM edge UNION SELECT right_kind, right_id, left_kind, left_id FROM edge) AS new
            ANTI JOIN ledger.pair AS old USING (left_kind, left_id, right_kind, right_id)
        """)
