"""Build the tables and views of `models/`: one SELECT per file, in the order in which they read each other.

Beside each `name.sql` lies `name.yml` with how it is materialised and what its columns mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from nisba.errors import WarehouseError
from warehouse.models.declarations import FOLDER, Described, describe, read_description

__all__ = ["Model", "build", "models"]

_READS = re.compile(r"\b(core|marts|ops)\.([a-z_]+)")


@dataclass(frozen=True)
class Model(Described):
    """A table or view that one SELECT makes."""

    select: str

    @property
    def reads(self) -> set[str]:
        """Names that the SELECT mentions."""
        return {f"{schema}.{table}" for schema, table in _READS.findall(self.select)}


@cache
def models() -> tuple[Model, ...]:
    """Return all models, each after those that it reads."""
    found = {model.name: model for model in map(_read, sorted(FOLDER.glob("*/*.sql")))}
    graph = {name: model.reads & (found.keys() - {name}) for name, model in found.items()}
    return tuple(found[name] for name in TopologicalSorter(graph).static_order())


def build(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Build every model in one transaction, so that no reader ever sees half of it; return their names.

    Raises WarehouseError when nothing was attributed yet: the figures have no configuration to follow.
    """
    if con.execute("SELECT count(*) FROM core.setting").fetchone() == (0,):
        raise WarehouseError("nothing is attributed yet: run `nisba attribute`, `nisba stream` or `nisba backfill` first.")
    con.execute("BEGIN")
    try:
        for model in models():
            create_model(con, model)
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
    return tuple(model.name for model in models())


def create_model(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Create or replace one model, and say in the catalogue what it means."""
    con.execute(f"CREATE OR REPLACE {model.kind} {model.name} AS {model.select}")
    describe(con, model)


def _read(file: Path) -> Model:
    about = read_description(file.with_suffix(".yml"))
    return Model(about.name, about.kind, about.description, about.columns, file.read_text("utf-8"))
