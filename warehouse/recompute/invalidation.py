"""Invalidate books: mark the accounts, nodes and campaigns whose figures no longer follow from the ledger, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution.fx import RATE_DAYS
from warehouse.query import arrow_table, relations
from warehouse.recompute.adjacency import ACCOUNT_OF_DEAL, named_edges, remember_edges
from warehouse.recompute.traversal import NODES, PEOPLE, Traversal, of_kinds

__all__ = ["clear", "invalidate"]


def invalidate(con: duckdb.DuckDBPyConnection, touched: Mapping[str, pa.Table], now: dt.datetime) -> None:
    """Remember the edges of landed facts, tables by type, and mark all whose books may depend on these facts."""
    touched = {fact_type: table for fact_type, table in touched.items() if len(table)}
    edges = named_edges(con, touched)
    if len(edges):
        remember_edges(con, edges)
    asked = {f"touched_{fact_type}": table for fact_type, table in touched.items() if fact_type in (*_CHANGED, *_CAMPAIGNS)}
    with relations(con, edge=edges, **asked):
        reached = Traversal(con, arrow_table(con, _named_nodes(touched)))
        _mark_nodes(con, reached.nodes)
        reached.step(("deal",), ("account",))
        if "fx" in touched:
            reached.add(arrow_table(con, _ACCOUNTS_NEAR_RATES))
        reach_accounts(reached, merged_accounts(edges))
        _mark_accounts(con, reached.nodes, now)
        _mark_campaigns(con, [select for fact_type, select in _CAMPAIGNS.items() if fact_type in touched], now)


def merged_accounts(edges: pa.Table) -> pa.Table:
    """Return the accounts that edges join with other accounts, as NODES."""
    between = edges.filter(pc.and_(pc.equal(edges["left_kind"], "account"), pc.equal(edges["right_kind"], "account")))
    return pa.concat_tables([between.select([f"{side}_kind", f"{side}_id"]).rename_columns(NODES.names) for side in ("left", "right")])


def reach_accounts(reached: Traversal, merged: pa.Table) -> None:
    """Go on to every account whose books may depend on the nodes; `merged` are the accounts that are joined or parted (NODES).

    Persons that change may gain or lose the touches of the visitors they claim, which then count for the accounts of these visitors,
    under another actor or not at all: persons → visitor groups → accounts. Visitor groups that change belong to other persons: groups
    → who claims them → accounts. Leads → the deals they are named with → accounts.
    """
    reached.close(PEOPLE)
    claimed = Traversal(reached.con, pa.concat_tables([of_kinds(reached.nodes, PEOPLE), _members(reached.con, merged)]))
    claimed.step(PEOPLE, ("visitor",))
    claimed.close(("visitor",))
    claimed.step(("visitor",), ("account",))
    reached.close(("visitor",))
    reached.step(("visitor",), (*PEOPLE, "account"))
    reached.close(PEOPLE)
    reached.step(PEOPLE, ("account", "deal"))
    reached.step(("deal",), ("account",))
    reached.add(of_kinds(claimed.nodes, ("account",)))
    reached.close(("account",))


def _members(con: duckdb.DuckDBPyConnection, merged: pa.Table) -> pa.Table:
    """Return who belongs to accounts that are joined or parted: the window of a membership in one of them is one in all of them."""
    members = Traversal(con, merged)
    if len(merged):
        members.close(("account",))
        members.step(("account",), PEOPLE)
        members.close(PEOPLE)
    return of_kinds(members.nodes, PEOPLE)


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Clear all marks: a scope covers every mark that there is, because landing and replacing never overlap."""
    for table in ("dirty_account", "dirty_node", "dirty_campaign"):
        con.execute(f"DELETE FROM ops.{table}")


def _named_nodes(touched: Mapping[str, pa.Table]) -> str:
    """Return the SELECT of the nodes that landed facts name, or that facts which they change name."""
    named = ["SELECT left_kind AS kind, left_id AS id FROM edge UNION ALL SELECT right_kind, right_id FROM edge"]
    named += [select for fact_type, select in _CHANGED.items() if fact_type in touched]
    return f"SELECT DISTINCT kind, id FROM ({' UNION ALL '.join(named)}) WHERE id IS NOT NULL"


def _mark_nodes(con: duckdb.DuckDBPyConnection, nodes: pa.Table) -> None:
    if len(nodes):
        with relations(con, node=nodes):
            con.execute("INSERT INTO ops.dirty_node SELECT kind, id FROM node EXCEPT SELECT kind, id FROM ops.dirty_node")


def _mark_accounts(con: duckdb.DuckDBPyConnection, nodes: pa.Table, now: dt.datetime) -> None:
    accounts = of_kinds(nodes, ("account",))
    if len(accounts):
        with relations(con, account=accounts):
            con.execute(
                "INSERT INTO ops.dirty_account SELECT id, 'facts', ?::TIMESTAMPTZ FROM account"
                " WHERE id NOT IN (SELECT account_id FROM ops.dirty_account)",
                [now],
            )


def _mark_campaigns(con: duckdb.DuckDBPyConnection, selects: list[str], now: dt.datetime) -> None:
    if selects:
        con.execute(
            "INSERT INTO ops.dirty_campaign SELECT DISTINCT campaign_id, 'facts', ?::TIMESTAMPTZ"
            f" FROM ({' UNION ALL '.join(selects)}) ANTI JOIN ops.dirty_campaign USING (campaign_id)",
            [now],
        )


# By the type that landed: nodes that it does not name itself, but whose figures it changes.
_CHANGED = {
    "retraction": """
        SELECT unnest(['account', 'person', 'visitor']) AS kind, unnest([account_id, person_id, visitor_id]) AS id
        FROM ledger.current_touch AS touch
        SEMI JOIN touched_retraction AS gone ON gone.touch_source = touch.source AND gone.touch_id = touch.event_id
    """,
    # a state that is no longer the current one takes its contacts' links with it
    "deal": """
        SELECT right_kind AS kind, right_id AS id FROM ledger.pair
        WHERE left_kind = 'deal' AND right_kind = 'person' AND left_id IN (SELECT deal_id FROM touched_deal)
    """,
    # an adjustment is a register: its latest event may name another deal than the one before
    "adjustment": """
        SELECT 'deal' AS kind, deal_id AS id FROM ledger.current_adjustment
        WHERE adjustment_id IN (SELECT adjustment_id FROM touched_adjustment)
    """,
}
# A rate serves its own day and RATE_DAYS after it; a day more on either side for time zones, and the last day counts to its end.
_NEAR = f"BETWEEN rate.date - INTERVAL 1 DAY AND rate.date + INTERVAL {RATE_DAYS + 2} DAY"
# the days of every state, whichever of them begin bookings, and those of adjustments, in whatever currency
_ACCOUNTS_NEAR_RATES = f"""
    WITH
    dated AS (
        SELECT deal_id, unnest([opened_at, closed_at, occurred_at, opened_on + INTERVAL 1 DAY, closed_on + INTERVAL 1 DAY]) AS dated_at
        FROM ledger.current_deal
        UNION ALL
        SELECT deal_id, unnest([effective_at, effective_on + INTERVAL 1 DAY]) FROM ledger.current_adjustment
    ),
    near AS (SELECT DISTINCT deal_id FROM dated SEMI JOIN touched_fx AS rate ON dated.dated_at {_NEAR})
    SELECT DISTINCT 'account' AS kind, {ACCOUNT_OF_DEAL} AS id
    FROM ledger.current_deal SEMI JOIN near USING (deal_id)
"""
_CAMPAIGNS = {
    # the campaigns of one spend's events: the latest may have moved the cost from one to another
    "spend": """
        SELECT campaign_id FROM touched_spend
        UNION ALL
        SELECT campaign_id FROM ledger.current_spend
        WHERE (source, spend_id) IN (SELECT (source, spend_id) FROM touched_spend WHERE spend_id IS NOT NULL)
    """,
    # what they are other names of follows when the scope is planned
    "campaign": "SELECT campaign_id FROM touched_campaign",
    "fx": f"""
        SELECT spend.campaign_id FROM ledger.current_spend AS spend SEMI JOIN touched_fx AS rate
            ON spend.starts_on <= rate.date + INTERVAL {RATE_DAYS + 1} DAY AND spend.ends_on >= rate.date
    """,
}
