"""Put rows of the books in place of those that a scope covers."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.attribution.models import selected_models
from nisba.attribution.wording import rule_in_words
from nisba.config import Config, config_hash
from warehouse.recompute.scope import Scope

__all__ = ["replace_rows", "write_setting"]

_BY_DEAL = ("deal_history", "journey_touch", "entry", "credit_line", "deal")


def replace_rows(con: duckdb.DuckDBPyConnection, scope: Scope, tables: Mapping[str, pa.Table]) -> tuple[int, int]:
    """Put the rows of `tables` in place of the scope's old ones; return how many deals and credit lines went in.

    Deals of other accounts may be among the tables, because their facts were read; their rows are left out, being incomplete.
    """
    for name, table in tables.items():
        con.register(f"made_{name}", table)
    try:
        if scope.everything:
            return _replace_everything(con)
        _replace_deals(con)
        _replace_identity(con)
        _replace_costs(con)
        counts = con.execute(
            "SELECT (SELECT count(*) FROM new_deal), (SELECT count(*) FROM made_credit_line SEMI JOIN new_deal USING (deal_id))"
        )
        deals, credits = counts.fetchone() or (0, 0)
        return deals, credits
    finally:
        for name in tables:
            con.unregister(f"made_{name}")


def _replace_everything(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    for name in (*_BY_DEAL, "identity", "cost_daily"):
        con.execute(f"TRUNCATE core.{name}")
        con.execute(f"INSERT INTO core.{name} {_select(name)}")
    con.execute("TRUNCATE ops.held")
    con.execute(f"INSERT INTO ops.held {_select('held')} WHERE reason <> 'unknown_deal'")
    _hold_unknown_deals(con)
    counts = con.execute("SELECT (SELECT count(*) FROM made_deal), (SELECT count(*) FROM made_credit_line)").fetchone()
    deals, credits = counts or (0, 0)
    return deals, credits


def _replace_deals(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE scope_account AS SELECT id AS account_id FROM scope_node WHERE kind = 'account'")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE new_deal AS
        SELECT deal_id::VARCHAR AS deal_id FROM made_deal SEMI JOIN scope_account USING (account_id)
    """)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE old_deal AS
        SELECT deal_id FROM core.deal SEMI JOIN scope_account USING (account_id) UNION FROM new_deal
    """)
    for name in _BY_DEAL:
        con.execute(f"DELETE FROM core.{name} WHERE deal_id IN (FROM old_deal)")
        con.execute(f"INSERT INTO core.{name} {_select(name)} WHERE deal_id IN (FROM new_deal)")
    con.execute("DELETE FROM ops.held WHERE kind <> 'spend' AND deal_id IN (FROM old_deal)")
    con.execute(f"INSERT INTO ops.held {_select('held')} WHERE kind <> 'spend' AND deal_id IN (FROM new_deal)")
    _hold_unknown_deals(con)


def _replace_identity(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.identity USING scope_node AS node WHERE identity.kind = node.kind AND identity.id = node.id")
    con.execute(f"""
        INSERT INTO core.identity
        FROM ({_select("identity")}) AS made SEMI JOIN scope_node AS node ON made.kind = node.kind AND made.id = node.id
    """)


def _replace_costs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM core.cost_daily WHERE campaign_id IN (SELECT campaign_id FROM ops.dirty_campaign)")
    con.execute("DELETE FROM ops.held WHERE kind = 'spend' AND campaign_id IN (SELECT campaign_id FROM ops.dirty_campaign)")
    con.execute(f"INSERT INTO core.cost_daily {_select('cost_daily')}")
    con.execute(f"INSERT INTO ops.held {_select('held')} WHERE kind = 'spend'")


def _hold_unknown_deals(con: duckdb.DuckDBPyConnection) -> None:
    """Hold the adjustments of deals that are unknown or deleted: the one figure that no account's facts can tell."""
    con.execute("DELETE FROM ops.held WHERE reason = 'unknown_deal'")
    con.execute("""
        INSERT INTO ops.held BY NAME
        SELECT 'adjustment' AS kind, adjustment_id AS id, 'unknown_deal' AS reason, deal_id, currency, amount,
            'no deal ' || deal_id AS detail
        FROM (
            FROM ledger.adjustment
            QUALIFY row_number() OVER (PARTITION BY adjustment_id ORDER BY occurred_at DESC, source DESC, event_id DESC) = 1
        )
        ANTI JOIN core.deal USING (deal_id)
    """)


def _select(name: str) -> str:
    return f"SELECT {', '.join(BOOK_SCHEMAS[name].names)} FROM made_{name}"


def write_setting(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Write what the books were computed with: one row."""
    reporting, attribution = config.reporting, config.attribution
    models = selected_models(config)
    con.execute("DELETE FROM core.model")
    con.executemany("INSERT INTO core.model VALUES (?, ?)", [[model.id, rule_in_words(model)] for model in models])
    con.execute("DELETE FROM core.setting")
    con.execute(
        "INSERT INTO core.setting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            reporting.currency,
            reporting.time_zone,
            reporting.fiscal_year_start_month,
            attribution.default_model,
            [model.id for model in models],
            config.marketing.target_pct,
            list(config.marketing.lead_sources),
            config_hash(config),
        ],
    )
