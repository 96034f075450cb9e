"""Build the tables and views of `models/`: one SELECT per file, in the order in which they read each other.

Beside each `name.sql` lies `name.yml` with how it is materialised and what its columns mean; both end up in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import yaml

from nisba.errors import WarehouseError

__all__ = ["Model", "build", "models"]

FOLDER = Path(__file__).parent / "models"
_READS = re.compile(r"\b(core|marts|ops)\.([a-z_]+)")


@dataclass(frozen=True)
class Model:
    """A table or view that one SELECT makes."""

    name: str
    """With its schema: `marts.campaign_roi`."""
    select: str
    materialized: str
    description: str
    columns: dict[str, str]

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
    kind = model.materialized.upper()
    con.execute(f"CREATE OR REPLACE {kind} {model.name} AS {model.select}")
    describe_model(con, model, kind)


def describe_model(con: duckdb.DuckDBPyConnection, model: Model, kind: str, *, hidden: Collection[str] = ()) -> None:
    """Write into the catalogue what a model, a TABLE or a VIEW here, and its columns mean; it may be without the hidden ones."""
    con.execute(f"COMMENT ON {kind} {model.name} IS {_quoted(model.description)}")
    for column, meaning in model.columns.items():
        if column not in hidden:
            con.execute(f"COMMENT ON COLUMN {model.name}.{column} IS {_quoted(meaning)}")


def _read(file: Path) -> Model:
    about: dict[str, Any] = yaml.safe_load(file.with_suffix(".yml").read_text("utf-8"))
    name = f"{file.parent.name}.{file.stem}"
    return Model(name, file.read_text("utf-8"), about["materialized"], about["description"], about["columns"])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
