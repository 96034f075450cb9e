"""Build a few models and what they read: all of them would take most of a test's time."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import duckdb

from warehouse.models.build import create_macros, model_rows, models, reads_of
from warehouse.models.declarations import Table

__all__ = ["build_models"]


def build_models(con: duckdb.DuckDBPyConnection, names: Collection[str], given: Collection[str] = ()) -> None:
    """Build these models, each after what it reads, without the words of the catalogue; what is given stays as it is."""
    create_macros(con)
    for model in _with_what_they_read(frozenset(names), frozenset(given)):
        with model_rows(con, model) as select:
            con.execute(f"CREATE OR REPLACE {model.kind} {model.name} AS {select}")


@cache
def _with_what_they_read(names: frozenset[str], given: frozenset[str]) -> tuple[Table, ...]:
    wanted = set(names)
    for model in reversed(models()):
        if model.name in wanted:
            wanted |= reads_of(model) - given
    return tuple(model for model in models() if model.name in wanted)
