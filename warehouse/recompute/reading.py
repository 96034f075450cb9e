"""Read facts back from the ledger: all of them, or those that a scope depends on."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from nisba.attribution.facts import FACT_TYPES, Facts, ledger_schema
from warehouse.query import arrow_table, copied_relations
from warehouse.recompute.scope import Scope

__all__ = ["read_facts"]

# Which facts name a node that is read; types that are not here are small, and needed whole.
_NAMED = {
    "touch": (
        "account_id IN (FROM scope_account)"
        " OR person_id IN (SELECT id FROM scope_node WHERE kind = 'person')"
        " OR visitor_id IN (SELECT id FROM scope_node WHERE kind = 'visitor')"
    ),
    "lead_stage": (
        "account_id IN (FROM scope_account)"
        " OR person_id IN (SELECT id FROM scope_node WHERE kind = 'person')"
        " OR lead_id IN (SELECT id FROM scope_node WHERE kind = 'lead')"
        " OR deal_id IN (SELECT id FROM scope_node WHERE kind = 'deal')"
    ),
    "account": "account_id IN (FROM scope_account)",
    "deal": "deal_id IN (SELECT id FROM scope_node WHERE kind = 'deal')",
    # a register by adjustment_id: an event that names another deal may be the one that counts
    "adjustment": (
        "adjustment_id IN (SELECT adjustment_id FROM ledger.current_adjustment"
        " WHERE deal_id IN (SELECT id FROM scope_node WHERE kind = 'deal'))"
    ),
    "identity": (
        "(left_kind, left_id) IN (SELECT (kind, id) FROM scope_node) OR (right_kind, right_id) IN (SELECT (kind, id) FROM scope_node)"
    ),
    # a register by spend_id, too: its latest event may have moved the cost to another campaign
    "spend": (
        "campaign_id IN (FROM scope_campaign) OR (source, spend_id) IN (SELECT (source, spend_id) FROM ledger.current_spend"
        " WHERE spend_id IS NOT NULL AND campaign_id IN (FROM scope_campaign))"
    ),
    "campaign": "campaign_id IN (FROM scope_campaign)",
}


def read_facts(con: duckdb.DuckDBPyConnection, scope: Scope) -> Facts:
    """Return the facts of a scope that count: everything that its books depend on, and perhaps more."""
    if scope.everything:
        return Facts(**{fact_type: _read(con, fact_type, "true") for fact_type in FACT_TYPES})
    with copied_relations(con, scope_account=scope.accounts, scope_node=scope.read, scope_campaign=scope.campaigns):
        return Facts(**{fact_type: _read(con, fact_type, _NAMED.get(fact_type, "true")) for fact_type in FACT_TYPES})


def _read(con: duckdb.DuckDBPyConnection, fact_type: str, where: str) -> pa.Table:
    columns = ", ".join(ledger_schema(fact_type, provenance=False).names)
    return arrow_table(con, f"SELECT {columns} FROM ledger.current_{fact_type} WHERE {where}")
