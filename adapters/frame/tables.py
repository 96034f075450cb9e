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
    maybe = ["system_modstamp"]          # columns that nobody misses
    [opportunity.columns]
    id = []                              # column = what else it is called, in order
    system_modstamp = ["last_modified_date", "_fivetran_synced"]

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
    maybe: tuple[str, ...] = ()
    must: bool = False
    required: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
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
    present = columns_of(connection, found) if found else {}
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
        tuple(column for column in table.columns if hits[column] is None and found and column not in table.maybe),
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
    """Yield the names of tables of a place that no declared table reads; the parts of a folder where another part of it is read."""
    named = {table.found for table in matched}
    read = [table for table in place.tables.values() if table.name in named]
    relations, folders = {table.relation for table in read}, {table.within for table in read}
    rest = {table.relation: table for table in place.tables.values() if table.relation not in relations and table.name not in folders}
    yield from sorted(table.name for table in rest.values() if table.within is None or table.within in folders)
