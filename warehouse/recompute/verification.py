"""Recompute the books in one process and compare them with `core.*`, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config
from nisba.errors import WarehouseError
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_accounts, plan_scope

__all__ = ["SAMPLE", "Difference", "Verification", "verify"]

SAMPLE = 200
"""Accounts that a fast verification looks at."""
SHOWN = 20
_OF_DEALS = ("deal", "deal_history", "journey_touch", "entry", "credit_line")


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
    scope = _sample(con) if fast else Scope(everything=True)
    made = fold(read_facts(con, scope), config).tables()
    names = _OF_DEALS if fast else tuple(BOOK_SCHEMAS)
    found = [_compare(con, name, made[name], fast) for name in names]
    differences = [difference for _, _, shown in found for difference in shown]
    return Verification(
        dict(zip(names, (rows for rows, *_ in found), strict=True)), sum(count for _, count, _ in found), differences[:SHOWN]
    )


def _sample(con: duckdb.DuckDBPyConnection) -> Scope:
    """Choose accounts by a hash that is the same everywhere, whole components of them."""
    rows = con.execute(
        "SELECT id FROM core.identity WHERE kind = 'account' AND account_id IN"
        " (SELECT account_id FROM (SELECT DISTINCT account_id FROM core.deal) ORDER BY md5(account_id) LIMIT ?)",
        [SAMPLE],
    ).fetchall()
    scope = plan_accounts(con, [account for (account,) in rows])
    con.execute(
        "CREATE OR REPLACE TEMP TABLE verified_deal AS SELECT deal_id FROM core.deal WHERE account_id IN (SELECT id FROM wanted_account)"
    )
    return scope


def _compare(con: duckdb.DuckDBPyConnection, name: str, made: pa.Table, fast: bool) -> tuple[int, int, list[Difference]]:
    """Return (rows compared, rows that differ, the first of them)."""
    schema = BOOK_SCHEMAS[name]
    con.register("made", pa.table({field.name: made.column(field.name).cast(field.type) for field in schema}, schema=schema))
    columns = ", ".join(column for column in schema.names if column != "detail")
    where = "WHERE deal_id IN (FROM verified_deal)" if fast else ""
    table = "ops.held" if name == "held" else f"core.{name}"
    sides = {"missing": (f"FROM made {where}", f"FROM {table} {where}")}
    sides["extra"] = sides["missing"][::-1]
    count, shown = 0, []
    try:
        for side, (left, right) in sides.items():
            con.execute(f"CREATE OR REPLACE TEMP TABLE differing AS SELECT {columns} {left} EXCEPT ALL SELECT {columns} {right}")
            count += _number(con, "SELECT count(*) FROM differing")
            cursor = con.execute(f"FROM differing ORDER BY ALL LIMIT {SHOWN}")
            labels = [column[0] for column in cursor.description or ()]
            shown += [Difference(table, side, dict(zip(labels, row, strict=True))) for row in cursor.fetchall()]
        return _number(con, f"SELECT count(*) FROM made {where}"), count, shown
    finally:
        con.unregister("made")


def _number(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
