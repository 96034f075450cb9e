"""Recompute the books in one process and compare them, both ways, with `core.*`; then what the models make of them with the marts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from nisba.attribution import fold
from nisba.attribution.books import BOOK_SCHEMAS, BOOKS_OF_DEALS
from nisba.config import Config
from nisba.errors import WarehouseError
from warehouse.models.build import create_macros, create_model, is_behind, model_rows, models
from warehouse.models.declarations import Table
from warehouse.query import arrow_table, one_value, relations, rows_as_dicts
from warehouse.recompute.adjacency import ACCOUNT_OF_DEAL
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope, plan_accounts, plan_scope
from warehouse.settings import latest_event, refresh_settings, setting_tables

__all__ = ["SAMPLE", "Difference", "Verification", "verify", "verify_books"]

ATTRIBUTE, ATTRIBUTE_ALL = "nisba attribute", "nisba attribute --all"

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
    mended_by: str | None
    """The command that puts right what differs; None where nothing does."""


@dataclass(frozen=True)
class _Found:
    """What comparing one table came to."""

    table: str
    rows: int
    differing: int
    shown: list[Difference]


def verify(con: duckdb.DuckDBPyConnection, config: Config, *, fast: bool = False) -> Verification:
    """Compare the books and their settings with what the ledger and the configuration say, and the marts with what the books say.

    `fast`: only the deals of a sample of accounts, always the same ones. Raises WarehouseError when something waits for attribution:
    the books are then behind, not wrong.
    """
    if fast:
        return _verified(_compare_sample(con, config), [])
    return _verified(_compare_books(con, config), _compare_models(con))


def verify_books(con: duckdb.DuckDBPyConnection, config: Config) -> Verification:
    """Do as `verify` does, with the books and their settings alone: the marts may never have been built."""
    return _verified(_compare_books(con, config), [])


def _verified(books: list[_Found], models: list[_Found]) -> Verification:
    found = [*books, *models]
    cures = {ATTRIBUTE_ALL: books, ATTRIBUTE: models}
    mended_by = [cure for cure, tables in cures.items() if any(table.differing for table in tables)]
    differences = [difference for table in found for difference in table.shown]
    return Verification(
        {table.table.removeprefix("core.").removeprefix("ops."): table.rows for table in found},
        sum(table.differing for table in found),
        differences[:SHOWN],
        mended_by[0] if mended_by else None,
    )


def _compare_sample(con: duckdb.DuckDBPyConnection, config: Config) -> list[_Found]:
    """Compare the books of the deals of some accounts."""
    _need_nothing_dirty(con, config)
    scope = plan_accounts(con, _sampled_accounts(con))
    made = fold(read_facts(con, scope), config).tables()
    of_sample = "WHERE deal_id IN (FROM deal_in_scope)"
    with relations(con, deal_in_scope=_deals_in(con, scope, made["deal"])):
        return [_compare(con, _table(name), _cast(made[name], BOOK_SCHEMAS[name]), of_sample) for name in BOOKS_OF_DEALS]


def _compare_books(con: duckdb.DuckDBPyConnection, config: Config) -> list[_Found]:
    """Compare all books, and the tables of what they were computed with."""
    _need_nothing_dirty(con, config)
    refresh_settings(con, config)
    made = fold(read_facts(con, Scope(everything=True)), config).tables()
    books = [_compare(con, _table(name), _cast(made[name], schema)) for name, schema in BOOK_SCHEMAS.items()]
    settings = setting_tables(config, made["deal"]["lead_source"], latest_event(con))
    return [*books, *(_compare(con, _table(name), table) for name, table in settings.items())]


def _need_nothing_dirty(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    if plan_scope(con, config) is not None:
        raise WarehouseError(
            "facts, a changed configuration or other rules wait for attribution: run `nisba attribute` first, then verify."
        )


def _compare_models(con: duckdb.DuckDBPyConnection) -> list[_Found]:
    """Compare the tables that models make with what they would make of what they read now, and views with what they should be.

    Views and macros are made anew for it, and everything is rolled back. A stream leaves the models of flows behind: those are not wrong.
    """
    behind = {"flow"} if is_behind(con, "flow") else set()
    con.execute("BEGIN")
    try:
        views, columns = _views(con), _columns(con)
        create_macros(con)
        return [
            _compare_view(con, model, views) if model.kind == "view" else _compare_model(con, model, columns)
            for model in models()
            if model.refreshed_by not in behind
        ]
    finally:
        con.execute("ROLLBACK")


def _views(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the statements that made the views that there are, bare of what a file that is opened again writes in another way."""
    bare = "regexp_replace(sql, '[\"\\s()]', '', 'g')"
    return dict(con.execute(f"SELECT schema_name || '.' || view_name, {bare} FROM duckdb_views() WHERE NOT internal").fetchall())


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return the names of the columns of each table, sorted."""
    names = "list(column_name ORDER BY column_name)"
    return dict(con.execute(f"SELECT schema_name || '.' || table_name, {names} FROM duckdb_columns() GROUP BY ALL").fetchall())


def _compare_view(con: duckdb.DuckDBPyConnection, model: Table, before: Mapping[str, str]) -> _Found:
    create_model(con, model)
    return _Found(model.name, 0, 0, []) if before.get(model.name) == _views(con)[model.name] else _of_another_shape(model)


def _compare_model(con: duckdb.DuckDBPyConnection, model: Table, there: Mapping[str, list[str]]) -> _Found:
    if there.get(model.name) != sorted(column.name for column in model.columns):
        return _of_another_shape(model)
    with model_rows(con, model) as select:
        try:
            made = arrow_table(con, select)
        except (duckdb.BinderException, duckdb.CatalogException):  # another model that it reads is not there, or of another shape
            return _of_another_shape(model)
        return _compare(con, model.name, made)


def _of_another_shape(model: Table) -> _Found:
    """Return what is found of a model that is not there, or is not what its declaration says: it counts as one row."""
    return _Found(model.name, 0, 1, [Difference(model.name, "missing", {model.kind: "as it is declared"})])


def _sampled_accounts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Choose accounts that have deals, in the books or in the ledger, by a hash that is the same everywhere; whole components of them."""
    rows = con.execute(
        f"""
        WITH account AS (SELECT id, account_id FROM core.identity WHERE kind = 'account'),
        state AS (SELECT {ACCOUNT_OF_DEAL} AS id FROM ledger.current_deal),
        with_deals AS (SELECT account_id FROM core.deal UNION SELECT account.account_id FROM account JOIN state USING (id)),
        chosen AS (FROM with_deals ORDER BY md5(account_id), account_id LIMIT ?)
        SELECT id FROM account WHERE account_id IN (FROM chosen)
        """,
        [SAMPLE],
    ).fetchall()
    return [account for (account,) in rows]


def _table(name: str) -> str:
    return "ops.held" if name == "held" else f"core.{name}"


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a book with exactly its columns, dictionaries decoded."""
    return pa.table({field.name: table.column(field.name).cast(field.type) for field in schema}, schema=schema)


def _deals_in(con: duckdb.DuckDBPyConnection, scope: Scope, made: pa.Table) -> pa.Table:
    """Return the deals of the scope's accounts, in the books or as they should be: one column, `deal_id`."""
    with relations(con, made=made, scope_account=scope.accounts):
        both = "SELECT deal_id, account_id FROM core.deal UNION ALL SELECT deal_id, account_id FROM made"
        return arrow_table(con, f"SELECT DISTINCT deal_id FROM ({both}) WHERE account_id IN (FROM scope_account)")


def _compare(con: duckdb.DuckDBPyConnection, table: str, made: pa.Table, where: str = "") -> _Found:
    """Compare a table with what it should be, in the columns of the latter."""
    columns = ", ".join(f'"{name}"' for name in made.column_names)
    with relations(con, made=made):
        both = f"SELECT {columns}, 1 AS _times FROM made {where} UNION ALL SELECT {columns}, -1 FROM {table} {where}"
        differing = arrow_table(con, f"SELECT {columns}, sum(_times)::BIGINT AS _times FROM ({both}) GROUP BY ALL HAVING sum(_times) <> 0")
        rows = int(one_value(con, f"SELECT count(*) FROM made {where}")) if where else len(made)
    count = sum(abs(times) for times in differing["_times"].to_pylist())
    shown = [Difference(table, side, row) for side in ("missing", "extra") for row in _first(con, differing, side)]
    return _Found(table, rows, count, shown)


def _first(con: duckdb.DuckDBPyConnection, differing: pa.Table, side: str) -> list[dict[str, Any]]:
    """Return the first of the rows that one side has more often, in an order that does not depend on the run."""
    if not len(differing):
        return []
    times = "_times" if side == "missing" else "-_times"
    with relations(con, differing=differing):
        return rows_as_dicts(con, f"SELECT differing.* EXCLUDE (_times) FROM differing, range({times}) ORDER BY ALL LIMIT {SHOWN}")
