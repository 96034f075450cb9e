"""The published snapshot as dbt sources: what `nisba sources` writes."""

from __future__ import annotations

from typing import Any

import msgspec

from warehouse.models.declarations import AcceptedRange, AcceptedValues, Column, DataTest, Relationships, Table
from warehouse.models.publication import published_tables

__all__ = ["DATABASE", "sources", "sources_yml"]

DATABASE = "nisba"
"""The name that DuckDB gives to a file nisba.duckdb which is attached."""

_SCHEMAS = {
    "core": "The books: deals, journeys, dated entries, credits, costs.",
    "marts": "Figures by period, ready for a report.",
    "locked": "Closed periods: frozen credits, and what incentive plans pay for them.",
    "ops": "Cycles of the pipelines.",
}
_HEADER = """\
# Written by `nisba sources`; the tables of a published snapshot. Attach it in profiles.yml of dbt-duckdb:
#   attach: [{path: published/nisba.duckdb, alias: nisba, read_only: true}]
# The tests dbt_utils.* come with the package dbt-labs/dbt_utils.
"""


def sources_yml() -> str:
    """Return the text of a dbt `sources.yml`."""
    return _HEADER + msgspec.yaml.encode(sources()).decode()


def sources() -> dict[str, Any]:
    """Return a dbt properties file with one source per schema, named `nisba_<schema>`."""
    by_schema: dict[str, list[Table]] = {schema: [] for schema in _SCHEMAS}
    for table in published_tables():
        by_schema[table.schema].append(table)
    found = [
        {
            "name": f"nisba_{schema}",
            "description": _SCHEMAS[schema],
            "database": DATABASE,
            "schema": schema,
            "tables": [_table(table) for table in inside],
        }
        for schema, inside in by_schema.items()
        if inside
    ]
    return {"version": 2, "sources": found}


def _table(table: Table) -> dict[str, Any]:
    about: dict[str, Any] = {"name": table.name.split(".")[1], "description": table.description}
    if len(table.grain) > 1:
        about["data_tests"] = [{"dbt_utils.unique_combination_of_columns": {"combination_of_columns": list(table.grain)}}]
    key = table.grain[0] if len(table.grain) == 1 else ""
    return about | {"columns": [_column(column, is_key=column.name == key) for column in table.columns if not column.is_personal]}


def _column(column: Column, *, is_key: bool) -> dict[str, Any]:
    about: dict[str, Any] = {"name": column.name, "data_type": column.data_type, "description": column.description}
    if column.meta.unit:
        about["meta"] = {"unit": column.meta.unit}
    tests = [*(["unique"] if is_key else []), *map(_data_test, column.data_tests)]
    return about | ({"data_tests": tests} if tests else {})


def _data_test(test: DataTest) -> str | dict[str, Any]:
    """Return a data test as dbt writes it: its name alone where there is nothing else to say."""
    kind = str(test.__struct_config__.tag)
    arguments: dict[str, Any] = _arguments(test)
    if test.config.severity != "error":
        arguments["config"] = {"severity": test.config.severity}
    return {kind: arguments} if arguments else kind


def _arguments(test: DataTest) -> dict[str, Any]:
    match test:
        case AcceptedValues(values=values):
            return {"values": list(values)}
        case AcceptedRange(min_value=least, max_value=most):
            return {name: value for name, value in (("min_value", least), ("max_value", most)) if value is not None}
        case Relationships(to=to, field=field):
            schema, table = to.split(".")
            return {"to": f"source('nisba_{schema}', '{table}')", "field": field}
    return {}
