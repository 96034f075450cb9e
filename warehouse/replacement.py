"""Put rows of the books in place of those that a scope covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import msgspec
import pyarrow as pa

from nisba.attribution import RULES_EDITION
from nisba.attribution.books import BOOK_SCHEMAS, BOOKS_OF_DEALS
from nisba.attribution.facts import ledger_schema
from nisba.attribution.held import unknown_deals
from nisba.attribution.labels import folded, normalised
from nisba.attribution.models import selected_models
from nisba.attribution.wording import rule_in_words
from nisba.config import Config, Labels, config_hash
from warehouse.query import arrow_table, copied_relations, one_value, relations
from warehouse.recompute.scope import Scope

__all__ = ["Replaced", "replace_rows", "write_setting"]


@dataclass(frozen=True)
class Replaced:
    """What went in."""

    deals: int
    credits: int
    deal_ids: pa.Table | None
    """The deals whose rows went in, one column `deal_id`; None: all that there are."""


def replace_rows(con: duckdb.DuckDBPyConnection, scope: Scope, tables: Mapping[str, pa.Table]) -> Replaced:
    """Put the rows of `tables` in place of the scope's old ones.

    Deals of other accounts may be among the tables, because their facts were read; their rows are left out, being incomplete.
    """
    with relations(con, **{f"made_{name}": table for name, table in tables.items()}):
        if scope.everything:
            _replace_everything(con)
            replaced = Replaced(len(tables["deal"]), len(tables["credit_line"]), None)
        else:
            replaced = _replace_deals(con, scope)
            _replace_identity(con, scope)
            _replace_costs(con, scope)
    _hold_unknown_deals(con)
    return replaced


def _replace_everything(con: duckdb.DuckDBPyConnection) -> None:
    for name in (*BOOKS_OF_DEALS, "identity", "cost_daily"):
        con.execute(f"TRUNCATE core.{name}")
        con.execute(f"INSERT INTO core.{name} BY NAME {_made(name)}")
    con.execute("TRUNCATE ops.held")
    con.execute(f"INSERT INTO ops.held BY NAME {_made('held')} WHERE reason <> 'unknown_deal'")


def _replace_deals(con: duckdb.DuckDBPyConnection, scope: Scope) -> Replaced:
    with relations(con, scope_account=scope.accounts):
        new = arrow_table(con, "SELECT deal_id::VARCHAR AS deal_id FROM made_deal WHERE account_id IN (FROM scope_account)")
        old = arrow_table(con, "SELECT deal_id FROM core.deal WHERE account_id IN (FROM scope_account)")
    with copied_relations(con, new_deal=new, old_deal=pa.concat_tables([old, new])):
        credits = 0
        for name in BOOKS_OF_DEALS:
            con.execute(f"DELETE FROM core.{name} WHERE deal_id IN (FROM old_deal)")
            count = one_value(con, f"INSERT INTO core.{name} BY NAME {_made(name)} WHERE deal_id IN (FROM new_deal)")
            credits = count if name == "credit_line" else credits
        con.execute("DELETE FROM ops.held WHERE kind <> 'spend' AND deal_id IN (FROM old_deal)")
        con.execute(f"INSERT INTO ops.held BY NAME {_made('held')} WHERE kind <> 'spend' AND deal_id IN (FROM new_deal)")
    return Replaced(len(new), credits, new)


def _replace_identity(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    with relations(con, node=scope.replaced):
        con.execute("DELETE FROM core.identity WHERE (kind, id) IN (SELECT (kind, id) FROM node)")
        con.execute(f"INSERT INTO core.identity BY NAME {_made('identity')} WHERE (kind, id) IN (SELECT (kind, id) FROM node)")


def _replace_costs(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Replace the costs of the scope's campaigns; spends that left them may be among what was made, for others that were not read whole."""
    if not len(scope.campaigns):
        return
    with relations(con, scope_campaign=scope.campaigns):
        con.execute("DELETE FROM core.cost_daily WHERE campaign_id IN (FROM scope_campaign)")
        con.execute(f"INSERT INTO core.cost_daily BY NAME {_made('cost_daily')} WHERE campaign_id IN (FROM scope_campaign)")
        con.execute("DELETE FROM ops.held WHERE kind = 'spend' AND campaign_id IN (FROM scope_campaign)")
        con.execute(f"INSERT INTO ops.held BY NAME {_made('held')} WHERE kind = 'spend' AND campaign_id IN (FROM scope_campaign)")


def _hold_unknown_deals(con: duckdb.DuckDBPyConnection) -> None:
    """Hold the adjustments of deals that are unknown or deleted: the one figure that no account's facts can tell."""
    con.execute("DELETE FROM ops.held WHERE reason = 'unknown_deal'")
    names = ", ".join(ledger_schema("adjustment", provenance=False).names)
    adjustments = arrow_table(con, f"SELECT {names} FROM ledger.current_adjustment WHERE adjustment_id IN ({_NAMING_UNKNOWN})")
    if len(adjustments):
        with relations(con, adjustment=adjustments):
            known = arrow_table(con, "SELECT deal_id FROM core.deal WHERE deal_id IN (SELECT deal_id FROM adjustment)")
        with relations(con, made_held=unknown_deals(adjustments, known["deal_id"].combine_chunks())):
            con.execute(f"INSERT INTO ops.held BY NAME {_made('held')}")


# registers of which some event, the winning one or another, names a deal that is not there
_NAMING_UNKNOWN = "SELECT adjustment_id FROM ledger.current_adjustment ANTI JOIN core.deal USING (deal_id)"


def _made(name: str) -> str:
    return f"SELECT {', '.join(BOOK_SCHEMAS[name].names)} FROM made_{name}"


def write_setting(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Write what the books were computed with: one row."""
    reporting, attribution = config.reporting, config.attribution
    models = selected_models(config)
    con.execute("DELETE FROM core.model")
    names, rules = [model.id for model in models], [rule_in_words(model) for model in models]
    con.execute("INSERT INTO core.model SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", [names, rules])
    con.execute("DELETE FROM core.setting")
    con.execute(
        "INSERT INTO core.setting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            reporting.currency,
            reporting.time_zone,
            reporting.fiscal_year_start_month,
            attribution.default_model,
            names,
            config.marketing.target_pct,
            _lead_sources(con, config),
            config_hash(config),
            RULES_EDITION,
        ],
    )
    _write_labels(con, config.labels)


def _lead_sources(con: duckdb.DuckDBPyConnection, config: Config) -> list[str]:
    """Return the lead sources of deals that the configuration names in any case: SQL cannot fold case as labels are compared."""
    named = {folded(normalised(label, "lead_source")) for label in config.marketing.lead_sources}
    found = con.execute("SELECT DISTINCT lead_source FROM core.deal WHERE lead_source IS NOT NULL ORDER BY ALL").fetchall()
    return [label for (label,) in found if folded(label) in named]


def _write_labels(con: duckdb.DuckDBPyConnection, labels: Labels) -> None:
    """Write the maps of labels: what the models call campaigns' channels by."""
    maps = msgspec.structs.asdict(labels)
    rows = [(field, label, name) for field, names in maps.items() for label, name in names.items()]
    columns = [[row[place] for row in rows] for place in range(3)]
    con.execute("DELETE FROM core.label")
    con.execute("INSERT INTO core.label SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])", columns)
