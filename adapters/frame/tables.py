"""The tables that an adapter declares, made of what is found: views with exactly the declared columns, all text, '' as null.

The same table is `Opportunity.csv` from an API, `opportunity` from Fivetran, `"Opportunity"` from Airbyte: the SELECTs of an adapter read
one view, whatever tool wrote it. `tables.toml` declares them:

    [opportunity]
    must = true                          # else a missing table is an empty one
    required = ["id", "stage_name"]      # columns without which nothing can be said
    names = ["opportunities"]            # what else the table is called
    strip = ["property_"]                # beginnings of columns that some tools add
    key = ["id"]                         # of rows that are equal in these, the one with the greatest `latest` counts
    latest = ["system_modstamp"]
    [opportunity.columns]
    id = []                              # column = what else it is called, in order
    system_modstamp = ["last_modified_date", "_fivetran_synced"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from adapters.frame.names import did_you_mean, normal
from adapters.frame.places import FoundTable, Place, identifier
from adapters.frame.settings import OwnColumn
from nisba.errors import SourceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MatchedTable", "SourceTable", "create_tables", "unread"]


class SourceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table as `tables.toml` declares it."""

    columns: dict[str, list[str]]
    must: bool = False
    required: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchedTable:
    """A declared table and what was found for it: None where nothing was; columns that are not there; columns nobody asked for."""

    name: str
    found: str | None
    missing: tuple[str, ...]
    unused: tuple[str, ...]


def create_tables(
    connection: DuckDBPyConnection, place: Place, declared: Mapping[str, SourceTable], called: Mapping[str, str], own: Sequence[OwnColumn]
) -> tuple[MatchedTable, ...]:
    """Create a view of each declared table; `called` says what tables are called here, `own` which columns the firm added.

    Raises SourceError naming the table or the column that is missing, and the names that were tried.
    """
    for name in called.keys() - declared.keys():
        raise SourceError(f"tables: there is no table {name!r}{did_you_mean(name, declared)}; there are: {', '.join(sorted(declared))}.")
    return tuple(_create(connection, place, name, table, called.get(name), own) for name, table in declared.items())


def _create(
    connection: DuckDBPyConnection, place: Place, name: str, table: SourceTable, called: str | None, own: Sequence[OwnColumn]
) -> MatchedTable:
    found = _find(place, name, table, called)
    present = _columns(connection, found) if found else {}
    named = _named(present, table.strip)
    wanted = {column: [column, *others] for column, others in table.columns.items()}
    wanted |= {one.name: [one.column] if one.column else [] for one in own if one.table == name}
    hits = {column: next((named[normal(one)] for one in names if normal(one) in named), None) for column, names in wanted.items()}
    if found:
        _check(place, found, table, wanted, hits, own, name)
    columns = ", ".join(f"{_text(hit, present)} AS {column}" for column, hit in hits.items())
    rows = f"FROM {found.relation}" if found else "WHERE false"
    connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS {_latest(f'SELECT {columns} {rows}', table, list(wanted))}")
    return MatchedTable(
        name,
        found.name if found else None,
        tuple(column for column in table.columns if hits[column] is None and found),
        tuple(sorted(present.keys() - set(hits.values()))),
    )


def _find(place: Place, name: str, table: SourceTable, called: str | None) -> FoundTable | None:
    tried = [called] if called else [name, *table.names]
    found = next((place.tables[normal(one)] for one in tried if normal(one) in place.tables), None)
    if found is None and (table.must or called):
        there = ", ".join(sorted(one.name for one in place.tables.values()))
        looked = f" (looked for {', '.join(tried)})" if len(tried) > 1 else ""
        raise SourceError(
            f"{place.text} has no table {tried[0]}{looked}; there are: {there}. "
            f'Where it is called otherwise, add tables = {{ {name} = "…" }} to the section of the adapter.'
        )
    return found


def _columns(connection: DuckDBPyConnection, found: FoundTable) -> dict[str, str]:
    """Return the type of each column of a relation; SourceError where it cannot be read."""
    import duckdb

    try:
        return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE FROM {found.relation}").fetchall()}
    except duckdb.Error as error:
        raise SourceError(f"{found.name}: cannot be read: {str(error).splitlines()[0]}") from None


def _named(present: Mapping[str, str], strip: Sequence[str]) -> dict[str, str]:
    """Return the column of each normal name; a name with a beginning that tools add yields to the same name without."""
    named: dict[str, str] = {}
    for column in present:
        named.setdefault(normal(column), column)
    for column in present:
        for beginning in strip:
            if column.lower().startswith(beginning):
                named.setdefault(normal(column[len(beginning) :]), column)
    return named


def _check(
    place: Place,
    found: FoundTable,
    table: SourceTable,
    wanted: Mapping[str, Sequence[str]],
    hits: Mapping[str, str | None],
    own: Sequence[OwnColumn],
    name: str,
) -> None:
    for one in own:
        if one.table == name and one.column and hits[one.name] is None:
            raise SourceError(f"{place.text}: the table {found.name} has no column {one.column}, which the adapter's settings name.")
    for column in table.required:
        instead = next((one for one in own if one.table == name and one.name.endswith(f"_{column}")), None)
        if hits[column] is None and (instead is None or hits[instead.name] is None):
            looked = f" (looked for {', '.join(wanted[column])})" if len(wanted[column]) > 1 else ""
            cure = "is it another version of the export?"
            if instead:
                cure = f'where it is called otherwise, add {instead.name.removesuffix(f"_{column}")} = {{ {column} = "{name}.…" }}.'
            raise SourceError(f"{place.text}: the table {found.name} has no column {column}{looked}; {cure}")


def _text(column: str | None, present: Mapping[str, str]) -> str:
    """Return the SQL of a column as text; what is nested becomes JSON."""
    if column is None:
        return "NULL::VARCHAR"
    is_nested = re.match(r"STRUCT|MAP|.*\[\d*\]$", present[column]) is not None
    text = f"to_json({identifier(column)})::VARCHAR" if is_nested else f"{identifier(column)}::VARCHAR"
    return f"nullif({text}, '')"


def _latest(select: str, table: SourceTable, columns: Sequence[str]) -> str:
    """Keep one row per key: loaders that append write an object again with each of its changes."""
    if not table.key:
        return select
    order = [f"moment({column}) DESC NULLS LAST" for column in table.latest] + [f"{column} DESC NULLS LAST" for column in sorted(columns)]
    key = ", ".join(table.key)
    place = f"row_number() OVER (PARTITION BY {key} ORDER BY {', '.join(order)})"
    return f"SELECT * FROM ({select}) QUALIFY {table.key[0]} IS NULL OR {place} = 1"


def unread(place: Place, matched: Sequence[MatchedTable]) -> Iterator[str]:
    """Yield the names of tables of a place that no declared table reads."""
    read = {table.found for table in matched}
    yield from sorted(table.name for table in place.tables.values() if table.name not in read)
