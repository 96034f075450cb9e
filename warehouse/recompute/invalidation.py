"""What is dirty: the accounts, nodes and campaigns whose books no longer follow from the ledger, and why."""

from __future__ import annotations

import datetime as dt

import duckdb

from warehouse.recompute.adjacency import remember_pairs
from warehouse.recompute.traversal import Walk

__all__ = ["clear", "mark", "start"]

_TOUCHED = ("touch", "lead_stage", "deal", "identity", "adjustment", "retraction", "fx", "spend", "campaign")


def start(con: duckdb.DuckDBPyConnection) -> None:
    """Begin to note what a batch touches: empty tables that the connection keeps from batch to batch."""
    con.execute("CREATE TEMP TABLE IF NOT EXISTS named_pair (left_kind VARCHAR, left_id VARCHAR, right_kind VARCHAR, right_id VARCHAR)")
    con.execute("TRUNCATE named_pair")
    for fact_type in _TOUCHED:
        columns = f"SELECT * EXCLUDE (recorded_at) FROM ledger.{fact_type} LIMIT 0"
        con.execute(f"CREATE TEMP TABLE IF NOT EXISTS touched_{fact_type} AS {columns}")
        con.execute(f"TRUNCATE touched_{fact_type}")


def mark(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> None:
    """Remember the pairs of the batch, and mark what it, being `touched_*` and `named_pair`, made dirty."""
    remember_pairs(con)
    walk = Walk(con, "dirty_walk")
    walk.add("SELECT left_kind AS kind, left_id AS id FROM named_pair UNION ALL SELECT right_kind, right_id FROM named_pair")
    for others in (_RETRACTED, _CONTACTS_BEFORE, _DEALS_ADJUSTED_BEFORE):
        walk.add(others)
    con.execute("INSERT INTO ops.dirty_node SELECT kind, id FROM dirty_walk EXCEPT SELECT kind, id FROM ops.dirty_node")
    walk.step(("deal",), ("account",))
    walk.add(_DEALS_NEAR_RATES)
    walk.accounts_below()
    con.execute(
        """
        INSERT INTO ops.dirty_account
        SELECT id, 'facts', ?::TIMESTAMPTZ FROM dirty_walk WHERE kind = 'account' AND id NOT IN (SELECT account_id FROM ops.dirty_account)
        """,
        [now],
    )
    con.execute(f"{_MARK_CAMPAIGNS} ({_CAMPAIGNS}) ANTI JOIN ops.dirty_campaign USING (campaign_id)", [now])


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Clear all marks: a scope covers every mark that there is, because landing and replacing never overlap."""
    for table in ("dirty_account", "dirty_node", "dirty_campaign", "dirty_everything"):
        con.execute(f"DELETE FROM ops.{table}")


_MARK_CAMPAIGNS = "INSERT INTO ops.dirty_campaign SELECT campaign_id, 'facts', ?::TIMESTAMPTZ FROM"
_RETRACTED = """
    WITH touch AS (
        SELECT touch.* FROM ledger.touch SEMI JOIN touched_retraction AS gone
            ON gone.touch_source = touch.source AND gone.touch_id = touch.event_id
    )
    SELECT 'account' AS kind, account_id AS id FROM touch
    UNION ALL SELECT 'person', person_id FROM touch
    UNION ALL SELECT 'visitor', visitor_id FROM touch
"""
# A state that is no longer the current one takes its contacts' links with it.
_CONTACTS_BEFORE = """
    SELECT right_kind AS kind, right_id AS id FROM ledger.pair
    WHERE left_kind = 'deal' AND right_kind = 'person' AND left_id IN (SELECT deal_id FROM touched_deal)
"""
# An adjustment is a register: its latest event may name another deal than the one before.
_DEALS_ADJUSTED_BEFORE = """
    SELECT 'deal' AS kind, deal_id AS id FROM ledger.adjustment WHERE adjustment_id IN (SELECT adjustment_id FROM touched_adjustment)
"""
# A rate serves the seven days after it; a day more on either side for time zones.
_NEAR = "BETWEEN rate.date - INTERVAL 1 DAY AND rate.date + INTERVAL 9 DAY"
_DEALS_NEAR_RATES = f"""
    SELECT 'account' AS kind, account_id AS id
    FROM ledger.deal
    SEMI JOIN touched_fx AS rate ON deal.closed_at {_NEAR} OR deal.occurred_at {_NEAR}
    WHERE deal.currency IS NOT NULL
"""
_CAMPAIGNS = """
    SELECT campaign_id FROM touched_spend
    UNION SELECT campaign_id FROM touched_campaign
    UNION SELECT spend.campaign_id FROM ledger.spend SEMI JOIN touched_fx AS rate
        ON spend.starts_on <= rate.date + INTERVAL 8 DAY AND spend.ends_on >= rate.date
"""
