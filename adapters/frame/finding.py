"""Find the tables that an adapter declares among those of a place, by the names that `tables.toml` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adapters.frame.names import normal
from adapters.frame.places import FoundTable, Place
from nisba.errors import SourceError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from adapters.frame.tables import SourceTable

__all__ = ["columns_of", "find_tables"]


def find_tables(
    connection: DuckDBPyConnection, place: Place, declared: Mapping[str, SourceTable], called: Mapping[str, str]
) -> dict[str, FoundTable | None]:
    """Return what each declared table is in a place, None where it is not there; `called` says what tables are called here.

    Raises SourceError, with the names that were tried, for a table that has to be there and is not, and for a bare name that could be
    two tables.
    """
    found = {name: _in_full(place, table.called(name), called.get(name)) for name, table in declared.items()}
    for name, table in declared.items():
        if found[name] is None and (name in called or (table.must and not any(found[other] for other in table.unless))):
            tried = [called[name]] if name in called else table.called(name)
            instead = "".join(f", and no {other}" for other in table.unless)
            raise SourceError(f"{place.text} has no table {_tried(tried)}{instead}; {_there(place, name)}")
    alone = {name: table for name, table in declared.items() if table.prefixes and not table.beside and found[name] is None}
    bare = {name: _by_signs(connection, place, table) for name, table in alone.items()}
    found |= bare
    beside = {name: _bare(place, table) for name, table in declared.items() if bare.get(table.beside) and found[name] is None}
    _check_claims(place, beside)
    found |= beside
    for name, table in declared.items():
        _check_company(place, declared, found, name, table)
    _check_one_of(place, declared, found)
    return found


def _in_full(place: Place, names: list[str], called: str | None) -> FoundTable | None:
    """Return the table of the first name that there is, or all those of a name with a `*` in it as one."""
    tried = [called] if called else names
    if (found := next((there for one in tried if "*" not in one and (there := place.table(one))), None)) is not None:
        return found
    parts = tuple(part for one in tried if "*" in one for part in place.each(one))
    return FoundTable(parts[0].name, parts[0].relation, parts=parts) if parts else None


def _by_signs(connection: DuckDBPyConnection, place: Place, table: SourceTable) -> FoundTable | None:
    """Return a table of a bare name that has the columns by which it is known."""
    candidate = _bare(place, table)
    if candidate is None:
        return None
    present = {normal(column) for column in columns_of(connection, candidate)}
    return candidate if all(normal(sign) in present for sign in table.signs) else None


def _bare(place: Place, table: SourceTable) -> FoundTable | None:
    return next((there for one in table.names if (there := place.table(one))), None)


def _check_claims(place: Place, beside: Mapping[str, FoundTable | None]) -> None:
    claims: dict[str, str] = {}
    for name, found in beside.items():
        other = claims.setdefault(found.name, name) if found else name
        if found and other != name:
            raise SourceError(
                f"{place.text}: the table {found.name} could be {other} or {name}; put the tables of each source into a folder "
                f'of its name, or add tables = {{ {name} = "…" }} to the section of the adapter.'
            )


def _check_company(
    place: Place, declared: Mapping[str, SourceTable], found: Mapping[str, FoundTable | None], name: str, table: SourceTable
) -> None:
    """Check that what a table needs, or stands beside, is there."""
    one = found[name]
    for other in (*table.needs, *([table.beside] if table.beside else [])):
        if one is not None and found[other] is None:
            tried = _tried(declared[other].called(other))
            raise SourceError(f"{place.text} has no table {tried}, without which {one.name} says nothing; {_there(place, other)}")


def _check_one_of(place: Place, declared: Mapping[str, SourceTable], found: Mapping[str, FoundTable | None]) -> None:
    groups: dict[str, list[str]] = {}
    for name, table in declared.items():
        if table.one_of:
            groups.setdefault(table.one_of, []).append(name)
    for group, names in groups.items():
        if not any(found[name] for name in names):
            tried = ", ".join(dict.fromkeys(one for name in names for one in (name, *declared[name].names[:1])))
            raise SourceError(f"{place.text} has none of the {group}: looked for {tried}; {_there(place, names[0])}")


def _tried(names: list[str]) -> str:
    return names[0] + (f" (looked for {', '.join(names)})" if len(names) > 1 else "")


def _there(place: Place, name: str) -> str:
    return f'there are: {place.names()}. Where it is called otherwise, add tables = {{ {name} = "…" }} to the section of the adapter.'


def columns_of(connection: DuckDBPyConnection, found: FoundTable, relation: str | None = None) -> dict[str, str]:
    """Return the type of each column of a relation; SourceError where it cannot be read."""
    import duckdb

    try:
        return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE FROM {relation or found.relation}").fetchall()}
    except duckdb.Error as error:
        raise SourceError(f"{found.name}: cannot be read: {str(error).splitlines()[0]}") from None
