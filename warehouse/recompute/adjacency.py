"""Which nodes a fact names, and which it names together: the raw adjacency behind the dirty walk and the scope.

A superset of the links: void links, superseded states and retracted touches stay in it, because their going away changes figures too.
Beside the four kinds of nodes, deals are nodes here: a lead stage makes a deal's lead creation.
"""

from __future__ import annotations

import duckdb

__all__ = ["name_pairs", "named_pairs", "remember_pairs"]

_CONTACTS = "list_distinct(list_append(coalesce(contact_ids, []), primary_contact_id))"

# left kind, left id, right kind, right id; a node named alone is paired with nothing
_PAIRS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
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
        ("'deal'", "deal_id", "'account'", "account_id"),
        ("'person'", f"unnest({_CONTACTS})", "'account'", "account_id"),
        ("'person'", f"unnest({_CONTACTS})", "'deal'", "deal_id"),
    ),
    "identity": (("left_kind", "left_id", "right_kind", "right_id"),),
    "adjustment": (("'deal'", "deal_id", "NULL", "NULL"),),
}


def named_pairs(fact_type: str, relation: str) -> str | None:
    """Return the SELECT of distinct (left_kind, left_id, right_kind, right_id) that facts of a relation name; None for types without."""
    pairs = _PAIRS.get(fact_type)
    if pairs is None:
        return None
    parts = [
        f"SELECT {left_kind} AS left_kind, {left_id} AS left_id, {right_kind} AS right_kind, {right_id} AS right_id FROM {relation}"
        for left_kind, left_id, right_kind, right_id in pairs
    ]
    return f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) WHERE left_id IS NOT NULL OR right_id IS NOT NULL"


def name_pairs(con: duckdb.DuckDBPyConnection, fact_type: str, relation: str) -> None:
    """Add what facts of a relation name to `named_pair`, the pairs of this batch."""
    select = named_pairs(fact_type, relation)
    if select is not None:
        con.execute(f"INSERT INTO named_pair {select}")


def remember_pairs(con: duckdb.DuckDBPyConnection) -> None:
    """Add the pairs of this batch to `ledger.pair`, which remembers them for ever, both ways round."""
    con.execute("""
        INSERT INTO ledger.pair
        WITH pair AS (FROM named_pair WHERE left_id IS NOT NULL AND right_id IS NOT NULL)
        SELECT * FROM (FROM pair UNION SELECT right_kind, right_id, left_kind, left_id FROM pair) AS new
        ANTI JOIN ledger.pair AS old USING (left_kind, left_id, right_kind, right_id)
    """)
