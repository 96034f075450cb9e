"""Put rows of the books in place of those that a scope covers; rows of deals that are as they were stay where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS, BOOKS_OF_DEALS
from nisba.attribution.bounds import admitted
from nisba.attribution.facts import TEXT, ledger_schema
from nisba.attribution.held import unknown_deals
from warehouse.models.declarations import declared
from warehouse.query import arrow_table, copied_relations, one_value, relations
from warehouse.recompute.scope import Scope

__all__ = ["Replaced", "replace_rows"]

_WHOLE = ("account", "identity", "cost_daily")
"""The books that are not about deals, beside `held`."""
_FOLLOWS: Mapping[str, tuple[str, ...]] = {"credit_line": ("journey_touch", "entry"), "pipeline_credit": ("journey_touch",)}
"""Books whose rows of a deal follow from its rows in others, while the models stay as they are."""
_TOLD: Mapping[str, tuple[str, ...]] = {
    "credit_line": (),
    "pipeline_credit": ("model", "ordinal", "weight", "created_on", "amount", "amount_reporting"),
}
"""What of them does not follow, and so has to be compared; of all other books every column is."""
_DEAL_IDS = pa.schema([("deal_id", TEXT)])


@dataclass(frozen=True)
class Replaced:
    """What was computed anew, and what of it was written."""

    accounts: int
    """Accounts whose deals were computed, by their own ids."""
    deals: int
    credits: int
    deal_ids: pa.Table | None
    """The deals of which rows were written or taken out, one column `deal_id`; None: all that there are."""


def replace_rows(con: duckdb.DuckDBPyConnection, scope: Scope, tables: Mapping[str, pa.Table]) -> Replaced:
    """Put the rows of `tables` in place of the scope's old ones.

    Deals of other accounts may be among the tables, because their facts were read; their rows are left out, being incomplete.
    """
    with relations(con, **{f"made_{name}": table for name, table in tables.items()}):
        changed = _replace_deals(con, scope)
        if scope.everything:
            _replace_whole(con)
            accounts = one_value(con, "SELECT count(*) FROM core.identity WHERE kind = 'account'")
        else:
            _replace_accounts(con, scope)
            _replace_identity(con, scope)
            _replace_costs(con, scope)
            accounts = len(scope.accounts)
        deals, credits = _counts(con, scope)
    _hold_unknown_deals(con)
    return Replaced(accounts, deals, credits, changed)


def _counts(con: duckdb.DuckDBPyConnection, scope: Scope) -> tuple[int, int]:
    """Return the deals and the credit lines that the scope's accounts have now."""
    if scope.everything:
        return one_value(con, "SELECT count(*) FROM made_deal"), one_value(con, "SELECT count(*) FROM made_credit_line")
    with relations(con, scope_account=scope.accounts):
        deals = arrow_table(con, "SELECT deal_id FROM core.deal WHERE account_id IN (FROM scope_account)")
    with relations(con, scope_deal=deals):
        return len(deals), one_value(con, "SELECT count(*) FROM made_credit_line WHERE deal_id::VARCHAR IN (FROM scope_deal)")


def _replace_whole(con: duckdb.DuckDBPyConnection) -> None:
    for name in _WHOLE:
        con.execute(f"TRUNCATE core.{name}")
        con.execute(f"INSERT INTO core.{name} BY NAME {_made(name)}")
    con.execute("TRUNCATE ops.held")
    con.execute(f"INSERT INTO ops.held BY NAME {_made('held')} WHERE reason <> 'unknown_deal'")


def _replace_deals(con: duckdb.DuckDBPyConnection, scope: Scope) -> pa.Table | None:
    """Replace the rows of the scope's deals, book by book, of those deals alone whose rows there are no longer the same."""
    if scope.is_to_be_written_whole:
        for name in BOOKS_OF_DEALS:
            con.execute(f"TRUNCATE core.{name}")
            con.execute(f"INSERT INTO core.{name} BY NAME {_made(name)}")
        return None
    new, old = _deals(con, scope)
    with copied_relations(con, new_deal=new, old_deal=old):
        changed: dict[str, pa.Table] = {}
        for name in BOOKS_OF_DEALS:
            own = [_changed(con, name)] if _TOLD.get(name, ("all",)) else []
            changed[name] = _union([*own, *(changed[cause] for cause in _FOLLOWS.get(name, ()))])
            _rewrite(con, name, changed[name])
        con.execute("DELETE FROM ops.held WHERE kind <> 'spend' AND deal_id IN (FROM old_deal)")
        con.execute(f"INSERT INTO ops.held BY NAME {_made('held')} WHERE kind <> 'spend' AND deal_id IN (FROM new_deal)")
    return _union(list(changed.values()))


def _union(deals: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(deals).group_by("deal_id").aggregate([])


def _deals(con: duckdb.DuckDBPyConnection, scope: Scope) -> tuple[pa.Table, pa.Table]:
    """Return the deals that the scope's accounts should have, and those whose rows may be in the books for them."""
    of_scope = "true" if scope.everything else "account_id IN (FROM scope_account)"
    with relations(con, scope_account=scope.accounts):
        new = arrow_table(con, f"SELECT deal_id::VARCHAR AS deal_id FROM made_deal WHERE {of_scope}")
        old = arrow_table(con, f"SELECT deal_id FROM core.deal WHERE {of_scope}")
    return new, pa.concat_tables([old, new]).group_by("deal_id").aggregate([])


def _changed(con: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    """Return the deals that have other rows of a book now."""
    return arrow_table(
        con,
        f"""
        WITH made AS ({_summary(f"made_{name}", name, "new_deal")}), kept AS ({_summary(f"core.{name}", name, "old_deal")})
        SELECT deal_id FROM made FULL JOIN kept USING (deal_id)
        WHERE made.row_count IS DISTINCT FROM kept.row_count OR made.digest IS DISTINCT FROM kept.digest
        """,
    ).cast(_DEAL_IDS)


def _rewrite(con: duckdb.DuckDBPyConnection, name: str, deals: pa.Table) -> None:
    """Replace the rows of some deals in one book."""
    if len(deals):
        with copied_relations(con, changed_deal=deals):
            con.execute(f"DELETE FROM core.{name} WHERE deal_id IN (FROM changed_deal)")
            con.execute(
                f"INSERT INTO core.{name} BY NAME {_made(name)} WHERE deal_id IN (FROM changed_deal SEMI JOIN new_deal USING (deal_id))"
            )


def _summary(relation: str, book: str, deals: str) -> str:
    """Return the SELECT of what the rows of each deal are in short: how many, and the sum of their hashes, whatever their order."""
    told = _TOLD.get(book)
    columns = ", ".join(
        f'"{column.name}"::{column.data_type}' for column in declared(f"core.{book}").columns if told is None or column.name in told
    )
    return f"""
        SELECT deal_id::VARCHAR AS deal_id, count(*) AS row_count, sum(hash({columns})::HUGEINT) AS digest
        FROM {relation} WHERE deal_id IN (FROM {deals}) GROUP BY ALL
    """


def _replace_accounts(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Replace what describes the scope's accounts; the canonical account of each is among them."""
    with relations(con, scope_account=scope.accounts):
        con.execute("DELETE FROM core.account WHERE account_id IN (FROM scope_account)")
        con.execute(f"INSERT INTO core.account BY NAME {_made('account')} WHERE account_id IN (FROM scope_account)")


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
        with relations(con, made_held=unknown_deals(admitted("adjustment", adjustments), known["deal_id"].combine_chunks())):
            con.execute(f"INSERT INTO ops.held BY NAME {_made('held')}")


# registers of which some event, the winning one or another, names a deal that is not there
_NAMING_UNKNOWN = "SELECT adjustment_id FROM ledger.current_adjustment ANTI JOIN core.deal USING (deal_id)"


def _made(name: str) -> str:
    return f"SELECT {', '.join(BOOK_SCHEMAS[name].names)} FROM made_{name}"
