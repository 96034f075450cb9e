"""What tables and columns mean: the `.yml` files of `models/`, written into the catalogue as comments, where BI tools find them.

A `.yml` beside a `.sql` belongs to a model that `warehouse.models.build` makes; one alone to a table that migrations make and the
loader fills.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import yaml

__all__ = ["FOLDER", "Described", "describe", "loaded_tables", "read_description"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Described:
    """A table or view and what it means."""

    name: str
    """With its schema: `marts.campaign_roi`."""
    kind: str
    """`table` or `view`."""
    description: str
    columns: dict[str, str]


def read_description(file: Path) -> Described:
    """Read a `.yml` file."""
    about = yaml.safe_load(file.read_text("utf-8"))
    return Described(f"{file.parent.name}.{file.stem}", about["materialized"], about["description"], about["columns"])


@cache
def loaded_tables() -> tuple[Described, ...]:
    """Return the tables that no model makes."""
    return tuple(read_description(file) for file in sorted(FOLDER.glob("*/*.yml")) if not file.with_suffix(".sql").exists())


def describe(con: duckdb.DuckDBPyConnection, what: Described, *, kind: str = "", hidden: Collection[str] = ()) -> None:
    """Write descriptions into the catalogue; the relation may be of another kind here, and without the hidden columns."""
    comments = [f"COMMENT ON {kind or what.kind} {what.name} IS {_quoted(what.description)}"]
    comments += [f"COMMENT ON COLUMN {what.name}.{c} IS {_quoted(meaning)}" for c, meaning in what.columns.items() if c not in hidden]
    con.execute(";".join(comments))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
