"""Recompute the books in one process and compare them with `core.*`, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS, BOOKS_OF_DEALS
from nisba.config import Config
from nisba.errors import WarehouseError
from warehouse.query import arrow_table, one_value, relations, rows_as_dicts
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_accounts, plan_scope

__all__ = ["SAMPLE", "Difference", "Verification", "verify"]

SAMPLE = 200
"""Accounts that a fast verification looks at."""
SHOWN = 20


@dataclass(frozen=True)
class Difference:
    """A row that only one side has: `missing` from the books, or `extra` in them."""

    table: str
    side: str
    row: dict[str, Any]


@dataclass(frozen=True)
class Verification:
    """What was compared: rows per table, how many differ, and the first of them."""

    rows: dict[str, int]
    differing: int
    differences: list[Difference]


def verify(con: duckdb.DuckDBPyConnection, config: Config, *, fast: bool = False) -> Verification:
    """Compare the books with what the ledger says; `fast`: the deals of a sample of accounts, always the same ones.

    Raises WarehouseError when something waits for attribution: the books are then behind, not wrong.
    """
    if plan_scope(con, config) is not None:
        raise WarehouseError("facts or a changed configuration wait for attribution: run `nisba attribute` first, then verify.")
    scope = plan_accounts(con, _sampled_accounts(con)) if fast else Scope(everything=True)
    made = {name: _cast(name, table) for name, table in fold(read_facts(con, scope), config).tables().items()}
    with relations(con, deal_in_scope=_deals_in(con, scope, made["deal"])):
        found = {name: _compare(con, name, made[name], scope) for name in (BOOKS_OF_DEALS if fast else BOOK_SCHEMAS)}
    differences = [difference for _, _, shown in found.values() for difference in shown]
    rows = {name: rows for name, (rows, _, _) in found.items()}
    return Verification(rows, sum(count for _, count, _ in found.values()), differences[:SHOWN])


def _sampled_accounts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Choose accounts that have deals, in the books or in the ledger, by a hash that is the same everywhere; whole components of them."""
    rows = con.execute(
        """
        WITH account AS (SELECT id, account_id FROM core.identity WHERE kind = 'account'),
        with_deals AS (
            SELECT account_id FROM core.deal
            UNION SELECT account.account_id FROM account JOIN ledger.current_deal AS deal ON deal.account_id = account.id
        ),
        chosen AS (FROM with_deals ORDER BY md5(account_id), account_id LIMIT ?)
        SELECT id FROM account WHERE account_id IN (FROM chosen)
        """,
        [SAMPLE],
    ).fetchall()
    return [account for (account,) in rows]


def _cast(name: str, table: pa.Table) -> pa.Table:
    """Return a book with exactly its columns, dictionaries decoded."""
    schema = BOOK_SCHEMAS[name]
    return pa.table({field.name: table.column(field.name).cast(field.type) for field in schema}, schema=schema)


def _deals_in(con: duckdb.DuckDBPyConnection, scope: Scope, made: pa.Table) -> pa.Table:
    """Return the deals of the scope's accounts, in the books or as they should be: one column, `deal_id`."""
    with relations(con, made=made, scope_account=scope.accounts):
        both = "SELECT deal_id, account_id FROM core.deal UNION ALL SELECT deal_id, account_id FROM made"
        return arrow_table(con, f"SELECT DISTINCT deal_id FROM ({both}) WHERE account_id IN (FROM scope_account)")


def _compare(con: duckdb.DuckDBPyConnection, name: str, made: pa.Table, scope: Scope) -> tuple[int, int, list[Difference]]:
    """Return (rows compared, rows that differ, the first of them)."""
    where = "" if scope.everything else "WHERE deal_id IN (FROM deal_in_scope)"
    table = "ops.held" if name == "held" else f"core.{name}"
    columns = ", ".join(BOOK_SCHEMAS[name].names)
    with relations(con, made=made):
        sides = {"missing": ("made", table), "extra": (table, "made")}
        count, shown = 0, []
        for side, (left, right) in sides.items():
            differing = arrow_table(con, f"SELECT {columns} FROM {left} {where} EXCEPT ALL SELECT {columns} FROM {right} {where}")
            count += len(differing)
            shown += [Difference(table, side, row) for row in _first(con, differing)]
        return int(one_value(con, f"SELECT count(*) FROM made {where}")), count, shown


def _first(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> list[dict[str, Any]]:
    """Return the first of some rows, in an order that does not depend on the run."""
    if not len(rows):
        return []
    with relations(con, differing=rows):
        return rows_as_dicts(con, f"FROM differing ORDER BY ALL LIMIT {SHOWN}")
