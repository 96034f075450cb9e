"""A connection in which an adapter's SELECTs can run: macros, settings, tables and shared views, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from iso4217 import Currency

from adapters.frame.folder import SHARED, Adapter
from adapters.frame.names import identifier, quoted
from adapters.frame.places import Place, open_place
from adapters.frame.settings import Settings
from adapters.frame.tables import MatchedTable, create_tables
from nisba.errors import AmountError, SourceError
from nisba.money import minor_digits

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Session", "reading"]

_MACROS = Path(__file__).parent / "macros"
MEMORY = "600MB"
"""What DuckDB may hold; what is larger is sorted on the disk."""


@dataclass(frozen=True)
class Session:
    """An open conversion: the connection, the adapter, and which of its tables were found."""

    connection: DuckDBPyConnection
    adapter: Adapter
    place: Place
    tables: tuple[MatchedTable, ...]

    def rows(self, name: str, select: str) -> list[tuple[Any, ...]]:
        """Return the rows of one of the adapter's SELECTs, called `name`."""
        with self.explained(name):
            return self.connection.execute(select).fetchall()

    @contextmanager
    def explained(self, name: str) -> Iterator[None]:
        """Turn an error of DuckDB into a SourceError that says where, and what the source has that it should not."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise SourceError(f"adapter {self.adapter.name}, {name}.sql: {_explained(str(error))}") from None


@contextmanager
def reading(chosen: Adapter, where: str, settings: Settings) -> Iterator[Session]:
    """Open a session over a place; what DuckDB spills is removed with it."""
    import duckdb

    with TemporaryDirectory(prefix="nisba-") as spill:
        limits = {"memory_limit": MEMORY, "temp_directory": spill}
        extensions = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        with duckdb.connect(config={**limits, **extensions}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            _create_macros(connection)
            place = chosen.opened(connection, where, Path(spill)) if chosen.opened else open_place(connection, where)
            _tell(connection, settings, place)
            for name, table in settings.files.items():
                _table_of_csv(connection, name, *table)
            tables = create_tables(connection, place, chosen.tables, settings.tables, settings.columns)
            for name in chosen.uses:
                _share(connection, name)
            session = Session(connection, chosen, place, tables)
            for name, select in chosen.views.items():
                with session.explained(f"views/{name}"):
                    kind = "TABLE" if name in chosen.kept else "VIEW"
                    connection.execute(f"CREATE TEMP {kind} {identifier(name)} AS {select}")
            yield session


def _share(connection: DuckDBPyConnection, name: str) -> None:
    """Create what sources of one kind share: the tables of its lists, and its macros."""
    for file in sorted((SHARED / name / "lists").glob("*.csv")):
        _table_of_csv(connection, file.stem, file)
    _create_macros_of(connection, SHARED / name / "macros")


def _create_macros(connection: DuckDBPyConnection) -> None:
    """Create the macros of every adapter."""
    connection.execute(_minor_digits())
    _create_macros_of(connection, _MACROS)


def _create_macros_of(connection: DuckDBPyConnection, folder: Path) -> None:
    """Create the macros of a folder; one may use another, whichever comes first."""
    waiting = {file.stem: file.read_text("utf-8") for file in sorted(folder.glob("*.sql"))}
    while waiting:
        ready = [name for name, text in waiting.items() if not _used(text, waiting.keys() - {name})]
        for name in ready:
            connection.execute(waiting.pop(name))


def _used(text: str, names: Any) -> set[str]:
    return {name for name in names if re.search(rf"\b{name}\(", text)}


@cache
def _minor_digits() -> str:
    """Return the macro with the decimals of each currency; null for a code that is none. (DuckDB makes a join of every long IN.)"""
    by_digits: dict[int, list[str]] = {}
    for currency in Currency:
        try:
            by_digits.setdefault(minor_digits(currency.code), []).append(f"'{currency.code}'")
        except AmountError:
            continue
    cases = " ".join(f"WHEN list_contains([{', '.join(sorted(codes))}], code) THEN {digits}" for digits, codes in sorted(by_digits.items()))
    return f"CREATE MACRO minor_digits(code) AS CASE {cases} END"


def _tell(connection: DuckDBPyConnection, settings: Settings, place: Place) -> None:
    """Make the settings known to the SQL."""
    modified = {"file_modified": place.modified_at.isoformat() if place.modified_at else None}
    for name, value in {**settings.variables, **modified}.items():
        what = "NULL::VARCHAR" if value is None else "$value"
        connection.execute(f"SET VARIABLE {identifier(name)} = {what}", {} if value is None else {"value": value})
    for name, pairs in settings.maps.items():
        _table(connection, f"map_{name}", ("key", "value"), list(pairs.items()))
    for name, values in settings.lists.items():
        _table(connection, f"list_{name}", ("value",), [(value,) for value in values])


def _table(connection: DuckDBPyConnection, name: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    connection.execute(f"CREATE TEMP TABLE {identifier(name)} ({', '.join(f'{column} VARCHAR' for column in columns)})")
    if rows:
        connection.executemany(f"INSERT INTO {identifier(name)} VALUES ({', '.join('?' * len(columns))})", rows)


def _table_of_csv(connection: DuckDBPyConnection, name: str, file: Path | None, columns: Sequence[str] = ("*",)) -> None:
    """Read a small CSV once, all text; without a file the table is empty. Raises SourceError for a column that is not there."""
    import duckdb

    if file is None:
        return _table(connection, name, tuple(columns), [])
    reader = f"read_csv({quoted(str(file))}, all_varchar = true, header = true)"
    try:
        connection.execute(f"CREATE TEMP TABLE {identifier(name)} AS SELECT {', '.join(columns)} FROM {reader}")
    except duckdb.Error as error:
        raise SourceError(f"{file}: expected a CSV file with the columns {', '.join(columns)}: {_explained(str(error))}") from None


def _explained(message: str) -> str:
    return re.sub(r"^(\w+ )+Error: ", "", message.splitlines()[0])
