"""The tables that an adapter declares, made of what is found: views with exactly the declared columns, all text, '' as null.

The same table is `Opportunity.csv` from an API, `opportunity` from Fivetran, `"Opportunity"` from Airbyte: the SELECTs of an adapter read
one view, whatever tool wrote it. `tables.toml` declares them:

    [opportunity]
    must = true                          # else a missing table is an empty one
    unless = ["deals"]                   # a must only where none of these tables is there
    required = ["id", "stage_name"]      # columns without which nothing can be said; "a|b": one of them
    names = ["opportunities", "opportunity_*"]  # what else the table is called; `*`: all tables so called with digits there
    headless = ["id", "stage_name"]      # the columns of files without a header, in their order
    strip = ["property_"]                # beginnings of columns that some tools add
    key = ["id"]                         # of rows that are equal in these, that with the greatest `latest`; without the first: all
    latest = ["system_modstamp"]         # or `earliest`
    [opportunity.columns]
    id = []                              # column = what else it is called, in order
    system_modstamp = ["last_modified_date", "_fivetran_synced"]

A table with a `key` has a table `repeated_<name>(key_hash, rows)` beside it: how often a key was there again.
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

__all__ = ["MatchedTable", "SourceTable", "create_tables"]


class SourceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table as `tables.toml` declares it."""

    columns: dict[str, list[str]]
    must: bool = False
    unless: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    earliest: tuple[str, ...] = ()
    headless: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatchedTable:
    """A declared table and what was found for it: None where nothing was; columns that are not there; columns nobody asked for.

    `parts` are the tables of the place that it is made of: more than one where each day has its own.
    """

    name: str
    found: str | None
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """A table of the place as one that is declared: its SELECT, and which columns are missing and unused."""

    select: str
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
    return tuple(_create(connection, place, name, declared, called, own) for name in declared)


def _create(
    connection: DuckDBPyConnection,
    place: Place,
    name: str,
    declared: Mapping[str, SourceTable],
    called: Mapping[str, str],
    own: Sequence[OwnColumn],
) -> MatchedTable:
    table, found = declared[name], _find(place, name, declared, called)
    wanted = {column: [column, *others] for column, others in table.columns.items()}
    wanted |= {column.name: [column.column] if column.column else [] for column in own if column.table == name}
    parts = [_part(connection, place, name, one, table, wanted, own) for one in found]
    nothing = f"SELECT {', '.join(f'NULL::VARCHAR AS {column}' for column in wanted)} WHERE false"
    select = " UNION ALL ".join(part.select for part in parts) or nothing
    connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS {_once(connection, name, select, table, list(wanted))}")
    return MatchedTable(
        name,
        found[0].name if found else None,
        parts[0].missing if parts else (),
        parts[0].unused if parts else (),
        tuple(one.name for one in found),
    )


def _part(
    connection: DuckDBPyConnection,
    place: Place,
    name: str,
    found: FoundTable,
    table: SourceTable,
    wanted: Mapping[str, Sequence[str]],
    own: Sequence[OwnColumn],
) -> _Part:
    relation, present = found.relation, _columns(connection, found, found.relation)
    if found.bare and table.headless and not {normal(one) for one in present} & {normal(one) for one in table.headless}:
        relation = found.bare(table.headless)
        present = _columns(connection, found, relation)
    named = _named(present, table.strip)
    hits = {column: next((named[normal(one)] for one in names if normal(one) in named), None) for column, names in wanted.items()}
    _check(place, found, table, wanted, hits, own, name)
    return _Part(
        f"SELECT {', '.join(f'{_text(hit, present)} AS {column}' for column, hit in hits.items())} FROM {relation}",
        tuple(column for column, hit in hits.items() if hit is None),
        tuple(sorted(present.keys() - set(hits.values()))),
    )


def _find(place: Place, name: str, declared: Mapping[str, SourceTable], called: Mapping[str, str]) -> list[FoundTable]:
    """Return the tables of a place that a declared one is made of; SourceError where it has none and must have one."""
    table, tried = declared[name], _tried(name, declared[name], called)
    found = next((_called(place, one) for one in tried if "*" not in one and _called(place, one)), [])
    found = found or [part for one in tried if "*" in one for part in _called(place, one)]
    stands_for = any(_called(place, one) for other in table.unless for one in _tried(other, declared[other], called))
    if not found and (name in called or (table.must and not stands_for)):
        there = ", ".join(sorted(one.name for one in place.tables.values()))
        looked = f" (looked for {', '.join(tried)})" if len(tried) > 1 else ""
        instead = "".join(f", and no {one}" for one in table.unless)
        raise SourceError(
            f"{place.text} has no table {tried[0]}{looked}{instead}; there are: {there}. "
            f'Where it is called otherwise, add tables = {{ {name} = "…" }} to the section of the adapter.'
        )
    return found


def _tried(name: str, table: SourceTable, called: Mapping[str, str]) -> list[str]:
    return [called[name]] if name in called else [name, *table.names]


def _called(place: Place, name: str) -> list[FoundTable]:
    """Return the tables of a name; with a `*` in it those that have digits there, in their order."""
    if "*" not in name:
        return [place.tables[normal(name)]] if normal(name) in place.tables else []
    wanted = re.compile("[0-9]+".join(re.escape(normal(part)) for part in name.split("*")))
    return [table for one, table in sorted(place.tables.items()) if wanted.fullmatch(one)]


def _columns(connection: DuckDBPyConnection, found: FoundTable, relation: str) -> dict[str, str]:
    """Return the type of each column of a relation; SourceError where it cannot be read."""
    import duckdb

    try:
        return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE FROM {relation}").fetchall()}
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
    for column in table.required:
        either = column.split("|")
        if all(hits[each] is None for each in either):
            looked = [other for each in either for other in wanted[each]]
            also = f" (looked for {', '.join(looked)})" if len(looked) > 1 else ""
            raise SourceError(f"{place.text}: the table {found.name} has no column {either[0]}{also}; is it another version of the export?")
    for one in own:
        if one.table == name and one.column and hits[one.name] is None:
            raise SourceError(f"{place.text}: the table {found.name} has no column {one.column}, which the adapter's settings name.")


def _text(column: str | None, present: Mapping[str, str]) -> str:
    """Return the SQL of a column as text; what is nested becomes JSON, and a text inside JSON itself."""
    if column is None:
        return "NULL::VARCHAR"
    if present[column] == "JSON":
        return f"nullif({identifier(column)} ->> '$', '')"
    is_nested = re.match(r"STRUCT|MAP|.*\[\d*\]$", present[column]) is not None
    text = f"to_json({identifier(column)})::VARCHAR" if is_nested else f"{identifier(column)}::VARCHAR"
    return f"nullif({text}, '')"


def _once(connection: DuckDBPyConnection, name: str, select: str, table: SourceTable, columns: Sequence[str]) -> str:
    """Keep one row per key: loaders that append write an object again with each of its changes.

    Only keys that are there again are sorted: all others need no more than a hash each.
    """
    if not table.key:
        return select
    key, repeated = ", ".join(table.key), identifier(f"repeated_{name}")
    is_key = f"{table.key[0]} IS NOT NULL"
    connection.execute(
        f"CREATE TEMP TABLE {repeated} AS SELECT hash({key}) AS key_hash, count(*) AS rows FROM ({select}) "
        f"WHERE {is_key} GROUP BY ALL HAVING count(*) > 1"
    )
    if not connection.execute(f"SELECT count(*) FROM {repeated}").fetchall()[0][0]:
        return select
    order = [f"moment({column}) DESC NULLS LAST" for column in table.latest]
    order += [f"moment({column}) NULLS LAST" for column in table.earliest]
    order += [f"{column} DESC NULLS LAST" for column in sorted(columns)]
    hashes = f"(SELECT key_hash FROM {repeated})"
    return (
        f"SELECT * FROM ({select}) WHERE {table.key[0]} IS NULL OR hash({key}) NOT IN {hashes} "
        f"UNION ALL SELECT * FROM ({select}) WHERE {is_key} AND hash({key}) IN {hashes} "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {', '.join(order)}) = 1"
    )


def unread(place: Place, matched: Sequence[MatchedTable]) -> Iterator[str]:
    """Yield the names of tables of a place that no declared table reads."""
    read = {part for table in matched for part in table.parts}
    yield from sorted(table.name for table in place.tables.values() if table.name not in read)
