"""Read facts back from the ledger: all of them, or those that a scope depends on; as they count now, or counted at an instant."""

from __future__ import annotations

import datetime as dt

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
        "adjustment_id IN (SELECT adjustment_id FROM {adjustment} WHERE deal_id IN (SELECT id FROM scope_node WHERE kind = 'deal'))"
    ),
    "identity": (
        "(left_kind, left_id) IN (SELECT (kind, id) FROM scope_node) OR (right_kind, right_id) IN (SELECT (kind, id) FROM scope_node)"
    ),
    # a register by spend_id, too: its latest event may have moved the cost to another campaign
    "spend": (
        "campaign_id IN (FROM scope_campaign) OR (source, spend_id) IN (SELECT (source, spend_id) FROM {spend}"
        " WHERE spend_id IS NOT NULL AND campaign_id IN (FROM scope_campaign))"
    ),
    "campaign": "campaign_id IN (FROM scope_campaign)",
}


def read_facts(con: duckdb.DuckDBPyConnection, scope: Scope, until: dt.datetime | None = None) -> Facts:
    """Return the facts of a scope that count: everything that its books depend on, and perhaps more.

    `until`: those that counted when the ledger had been written up to that instant; None: those that count now.
    """
    if scope.everything:
        return Facts(**{fact_type: _read(con, fact_type, "true", until) for fact_type in FACT_TYPES})
    with copied_relations(con, scope_account=scope.accounts, scope_node=scope.read, scope_campaign=scope.campaigns):
        return Facts(**{fact_type: _read(con, fact_type, _NAMED.get(fact_type, "true"), until) for fact_type in FACT_TYPES})


def _read(con: duckdb.DuckDBPyConnection, fact_type: str, where: str, until: dt.datetime | None) -> pa.Table:
    columns = ", ".join(ledger_schema(fact_type, provenance=False).names)
    registers = {name: _counting(name, until) for name in ("adjustment", "spend")}
    return arrow_table(con, f"SELECT {columns} FROM {_counting(fact_type, until)} WHERE {where.format(**registers)}")


def _counting(fact_type: str, until: dt.datetime | None) -> str:
    """Return the relation of the versions that count."""
    if until is None:
        return f"ledger.current_{fact_type}"
    instant = f"TIMESTAMPTZ '{until.isoformat()}'"
    counted = f"recorded_at <= {instant} AND (superseded_at IS NULL OR superseded_at > {instant})"
    return f"(SELECT * FROM ledger.{fact_type} WHERE {counted})"
