"""Build the tables and views of `models/`: one SELECT or one function per file, in the order in which they read each other."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from nisba.config import Config
from nisba.errors import WarehouseError
from warehouse.models.declarations import FOLDER, Table, describe, tables
from warehouse.models.lineage import reading_order, reads
from warehouse.query import arrow_table, one_value, relations, transaction
from warehouse.settings import refresh_settings

__all__ = [
    "BY_CYCLE",
    "EVERYTHING",
    "build",
    "build_what_is_behind",
    "create_macros",
    "create_model",
    "in_reading_order",
    "is_behind",
    "macros",
    "model_rows",
    "models",
    "reads_of",
]


BY_CYCLE = ("cycle",)
"""What a stream keeps up to date as it goes: ROI and marketing's share."""
EVERYTHING = ("cycle", "flow")
"""What a flow or a command builds."""


@cache
def models() -> tuple[Table, ...]:
    """Return all models, each after those that it reads."""
    return in_reading_order(tables())


def in_reading_order(declared: Mapping[str, Table]) -> tuple[Table, ...]:
    """Return the models among declarations, each after those that it reads; WarehouseError for one that reads what is not declared."""
    made = {name: table for name, table in declared.items() if table.made_by != "loader"}
    for table in made.values():
        for name in sorted(reads_of(table) - declared.keys()):
            raise WarehouseError(f"{table.file.with_suffix('')}: it reads {name}, which is not declared.")
        for name in sorted(reads_of(table) & made.keys()):
            if table.refreshed_by == "cycle" and made[name].refreshed_by != "cycle":
                raise WarehouseError(f"{table.file.with_suffix('')}: it is built in every cycle and reads {name}, which is not.")
    return tuple(made[name] for name in reading_order({name: reads_of(table) & made.keys() for name, table in made.items()}))


@cache
def reads_of(table: Table) -> frozenset[str]:
    """Return the names of what a model reads."""
    return reads(table.select) if table.made_by == "sql" else frozenset(table.declared_reads)


@cache
def macros() -> Mapping[str, str]:
    """Return the SQL macros by name: the statements that create them, each beginning with a line of what it means."""
    return {file.stem: file.read_text("utf-8") for file in sorted((FOLDER / "macros").glob("*.sql"))}


def build(con: duckdb.DuckDBPyConnection, refreshed_by: Collection[str] = EVERYTHING) -> tuple[str, ...]:
    """Build the models in one transaction, so that no reader ever sees half of them; return their names.

    Raises WarehouseError when nothing was attributed yet: the figures have no configuration to follow.
    """
    if not one_value(con, "SELECT count(*) FROM core.setting"):
        raise WarehouseError("nothing is attributed yet: run `nisba attribute`, `nisba stream` or `nisba backfill` first.")
    chosen = tuple(model for model in models() if model.refreshed_by in refreshed_by)
    with transaction(con):
        create_macros(con)
        for model in chosen:
            create_model(con, model)
        _note_built(con, refreshed_by)
    return tuple(model.name for model in chosen)


_LATEST = "(SELECT coalesce(max(cycle_no), 0) AS cycle_no FROM ops.cycle), (SELECT agreements_hash FROM core.agreement)"
"""What the models can know at most."""


def _note_built(con: duckdb.DuckDBPyConnection, refreshed_by: Collection[str]) -> None:
    con.execute("DELETE FROM ops.built WHERE refreshed_by IN (SELECT unnest(?))", [list(refreshed_by)])
    con.execute(f"INSERT INTO ops.built SELECT unnest(?), cycle_no, agreements_hash FROM {_LATEST}", [list(refreshed_by)])


def is_behind(con: duckdb.DuckDBPyConnection, refreshed_by: str) -> bool:
    """Tell whether models show less than what the warehouse knows: cycles came after them, other agreements, or they were never built."""
    there = con.execute("SELECT cycle_no, agreements_hash FROM ops.built WHERE refreshed_by = ?", [refreshed_by]).fetchall()
    return there != con.execute(f"SELECT cycle_no, agreements_hash FROM {_LATEST}").fetchall()


def build_what_is_behind(con: duckdb.DuckDBPyConnection, config: Config) -> tuple[str, ...]:
    """Build the models that show less than what the warehouse knows, by what is agreed now; return their names: none before any books."""
    if not one_value(con, "SELECT count(*) FROM core.setting"):
        return ()
    refresh_settings(con, config)
    behind = [kind for kind in EVERYTHING if is_behind(con, kind)]
    return build(con, behind) if behind else ()


def create_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create or replace the macros, and say in the catalogue what they mean."""
    for name, statement in macros().items():
        meaning = statement.splitlines()[0].removeprefix("-- ").replace("'", "''")
        con.execute(f"{statement}; COMMENT ON MACRO marts.{name} IS '{meaning}'")


def create_model(con: duckdb.DuckDBPyConnection, model: Table) -> None:
    """Create or replace one model with the columns and types that it declares, and say in the catalogue what it means.

    Raises WarehouseError when it makes other columns than these, or cannot be made.
    """
    with model_rows(con, model) as select:
        try:
            con.execute(f"CREATE OR REPLACE {model.kind} {model.name} AS {select}")
        except duckdb.Error as error:
            raise WarehouseError(f"{model.name} cannot be made as it is declared: {str(error).splitlines()[0]}") from error
    describe(con, model)


@contextmanager
def model_rows(con: duckdb.DuckDBPyConnection, model: Table) -> Iterator[str]:
    """Yield the SELECT of what a model is, with the columns and types that it declares, to be read inside the block.

    Raises WarehouseError when a function makes other columns than these.
    """
    columns = ", ".join(f'"{column.name}"::{column.data_type} AS "{column.name}"' for column in model.columns)
    if model.made_by == "sql":
        yield f"SELECT {columns} FROM (\n{model.select}\n)"
    else:
        with relations(con, made_by_function=_made(con, model)):
            yield f"SELECT {columns} FROM made_by_function"


def _made(con: duckdb.DuckDBPyConnection, model: Table) -> pa.Table:
    """Call the function `model` of a Python file with the relations that it reads, in the order of `meta.reads`."""
    made: pa.Table = _function(model.file.with_suffix(".py"))(*(arrow_table(con, f"FROM {name}") for name in model.declared_reads))
    expected = {column.name for column in model.columns}
    if set(made.column_names) != expected:
        raise WarehouseError(
            f"{model.name}: the function makes the columns {', '.join(made.column_names)}; declared are {', '.join(sorted(expected))}."
        )
    return made


def _function(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}.{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.model
