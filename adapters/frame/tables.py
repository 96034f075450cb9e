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
    key = ["id"]                         # of rows that are equal in these, the one with the greatest `latest` counts
    latest = ["system_modstamp"]         # or `earliest`
    maybe = ["system_modstamp"]          # columns that nobody misses
    [opportunity.columns]
    id = []                              # column = what else it is called, in order
    system_modstamp = ["last_modified_date", "_fivetran_synced"]

A table with a `key` has a table `repeated_<name>(key_hash, rows)` beside it: how often a key was there again.

Where one place holds several sources, a beginning says whose a table is, be it of its name, a folder's or a schema's; where it holds one
source alone, the tables may have their bare names:

    [google_ads_campaign_stats]
    prefixes = ["google_ads_"]           # before `names`, or a folder or schema: google_ads/campaign_stats.csv
    names = ["campaign_stats"]
    signs = ["cost_micros"]              # columns of a table that has the bare name, else it is another source's
    one_of = "reports"                   # of the tables that say so, there has to be one
    needs = ["google_ads_campaigns"]     # which has to be there too
    [google_ads_campaigns]
    prefixes = ["google_ads_"]
    names = ["campaigns"]                # bare only where the table that it is `beside` is; and nothing without that table
    beside = "google_ads_campaign_stats"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from adapters.frame.finding import columns_of, find_tables
from adapters.frame.names import did_you_mean, identifier, normal
from adapters.frame.places import FoundTable, Place
from adapters.frame.settings import OwnColumn
from nisba.errors import SourceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MatchedTable", "SourceTable", "create_tables", "unread"]


class SourceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table as `tables.toml` declares it."""

    columns: dict[str, list[str]]
    maybe: tuple[str, ...] = ()
    must: bool = False
    unless: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    earliest: tuple[str, ...] = ()
    headless: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    one_of: str = ""
    needs: tuple[str, ...] = ()
    beside: str = ""

    def called(self, name: str) -> list[str]:
        """Return what the table `name` may be called in full, in order."""
        return list(dict.fromkeys([name, *(before + one for before in self.prefixes or ("",) for one in self.names)]))


@dataclass(frozen=True)
class MatchedTable:
    """A declared table and what was found for it: None where nothing was; columns that are not there; columns nobody asked for."""

    name: str
    found: str | None
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    parts: tuple[str, ...] = ()
    """The tables of the place that it is made of: more than one where each day has its own."""


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

    Of a source that the place does not hold, nothing is told.

    Raises SourceError naming the table or the column that is missing, and the names that were tried.
    """
    for name in called.keys() - declared.keys():
        raise SourceError(f"tables: there is no table {name!r}{did_you_mean(name, declared)}; there are: {', '.join(sorted(declared))}.")
    found = find_tables(connection, place, declared, called)
    made = [(table, _create(connection, place, name, table, found[name], own)) for name, table in declared.items()]
    return tuple(one for table, one in made if one.found or not table.prefixes or found.get(table.beside))


def _create(
    connection: DuckDBPyConnection, place: Place, name: str, table: SourceTable, found: FoundTable | None, own: Sequence[OwnColumn]
) -> MatchedTable:
    wanted = {column: [column, *others] for column, others in table.columns.items()}
    wanted |= {one.name: [one.column] if one.column else [] for one in own if one.table == name}
    there = (found.parts or (found,)) if found else ()
    parts = [_part(connection, place, name, one, table, wanted, own) for one in there]
    nothing = f"SELECT {', '.join(f'NULL::VARCHAR AS {column}' for column in wanted)} WHERE false"
    select = " UNION ALL ".join(part.select for part in parts) or nothing
    connection.execute(f"CREATE TEMP VIEW {identifier(name)} AS {_once(connection, name, select, table, list(wanted))}")
    missing, unused = (parts[0].missing, parts[0].unused) if parts else ((), ())
    return MatchedTable(name, found.name if found else None, missing, unused, tuple(one.name for one in there))


def _part(
    connection: DuckDBPyConnection,
    place: Place,
    name: str,
    found: FoundTable,
    table: SourceTable,
    wanted: Mapping[str, Sequence[str]],
    own: Sequence[OwnColumn],
) -> _Part:
    relation, present = found.relation, columns_of(connection, found)
    if found.bare and table.headless and not {normal(one) for one in present} & {normal(one) for one in table.headless}:
        relation = found.bare(table.headless)
        present = columns_of(connection, found, relation)
    named = _named(present, table.strip)
    hits = {column: next((named[normal(one)] for one in names if normal(one) in named), None) for column, names in wanted.items()}
    _check(place, found, table, wanted, hits, own, name)
    return _Part(
        f"SELECT {', '.join(f'{_text(hit, present)} AS {column}' for column, hit in hits.items())} FROM {relation}",
        tuple(column for column in table.columns if hits[column] is None and column not in table.maybe),
        tuple(sorted(present.keys() - set(hits.values()))),
    )


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
        either = column.split("|")
        if len(either) > 1:
            if all(hits[each] is None for each in either):
                tried = ", ".join(other for each in either for other in wanted[each])
                cure = "is it another version of the export?"
                raise SourceError(f"{place.text}: the table {found.name} has no column {either[0]} (looked for {tried}); {cure}")
            continue
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
    """Yield the names of tables of a place that no declared table reads; the parts of a folder where another part of it is read."""
    named = {part for table in matched for part in table.parts}
    read = [table for table in place.tables.values() if table.name in named]
    relations, folders = {table.relation for table in read}, {table.within for table in read}
    rest = {table.relation: table for table in place.tables.values() if table.relation not in relations and table.name not in folders}
    yield from sorted(table.name for table in rest.values() if table.within is None or table.within in folders)
