"""What every table and view of the warehouse is: one `<schema>/<name>.yml` each, whoever makes it.

The names are those of a dbt properties file: `description`, `config.materialized`, `columns` with `name`, `data_type`, `description` and
`data_tests` (`not_null`, `unique`, `accepted_values`, `relationships`, `dbt_utils.accepted_range`), and `meta` for what dbt has no
word for: the grain, who makes the table and when, whether it is published, a column's unit, and whether it names persons. From a
declaration follow the columns of a model, the comments of the catalogue, the expectations of a snapshot, what a snapshot hides,
`docs/tables.md` and the `sources.yml` of `nisba sources`.

Beside it lies what makes the table: `<name>.sql` with one SELECT, `<name>.py` with a function, or nothing where the migrations make it
and the loader fills it. `<name>.checks.sql` holds the laws of money.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import msgspec

from nisba.errors import WarehouseError

__all__ = [
    "FOLDER",
    "AcceptedRange",
    "AcceptedValues",
    "Column",
    "DataTest",
    "NotNull",
    "Owners",
    "Relationships",
    "Table",
    "Unique",
    "declared",
    "describe",
    "loaded_tables",
    "read_table",
    "read_tables",
    "tables",
]

FOLDER = Path(__file__).parent

Owners: TypeAlias = Literal["hidden", "shown"]

SUPERSEDED = "superseded_at"
"""The column of a table that keeps every version of a fact: null while a version counts. Its view `current_<name>` is declared with it."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A section of a `.yml`: immutable, and an unknown key is an error."""


class _TestConfig(_Section, frozen=True):
    severity: Literal["error", "warn"] = "error"


class _Test(_Section, frozen=True, kw_only=True, tag_field="test"):
    description: str = ""
    """Why it matters, in one sentence; each kind of test has one of its own."""
    config: _TestConfig = _TestConfig()


class NotNull(_Test, frozen=True, tag="not_null"):
    """Every row has a value."""


class Unique(_Test, frozen=True, tag="unique"):
    """No value is there twice."""


class AcceptedValues(_Test, frozen=True, kw_only=True, tag="accepted_values"):
    """A value, where there is one, is one of these."""

    values: tuple[str, ...]


class AcceptedRange(_Test, frozen=True, kw_only=True, tag="dbt_utils.accepted_range"):
    """A value, where there is one, is at least and at most this."""

    min_value: float | None = None
    max_value: float | None = None


class Relationships(_Test, frozen=True, kw_only=True, tag="relationships"):
    """A value, where there is one, is a `field` of the table `to`."""

    to: str
    field: str


DataTest = NotNull | Unique | AcceptedValues | AcceptedRange | Relationships


class _ColumnMeta(_Section, frozen=True):
    unit: str = ""
    personal: bool | Literal["owner"] = False
    """Whether it names persons; `owner`: employees of the firm itself, whom it may want to see."""


class Column(_Section, frozen=True, kw_only=True):
    """A column; `data_type` as DuckDB's catalogue spells it."""

    name: str
    data_type: str
    description: str
    data_tests: tuple[DataTest, ...] = ()
    meta: _ColumnMeta = _ColumnMeta()

    @property
    def is_personal(self) -> bool:
        """Whether it names persons, and so stays out of snapshots unless the firm shows its owners."""
        return bool(self.meta.personal)

    def is_shown(self, owners: Owners) -> bool:
        """Tell whether a snapshot has it: owners are hidden or shown, other persons never are."""
        return not self.meta.personal or (self.meta.personal == "owner" and owners == "shown")

    @property
    def comment(self) -> str:
        """What the catalogue says: the meaning, and the unit in brackets."""
        return f"{self.description} [{self.meta.unit}]" if self.meta.unit else self.description


class _TableConfig(_Section, frozen=True):
    materialized: Literal["table", "view"]


class _TableMeta(_Section, frozen=True, kw_only=True):
    grain: tuple[str, ...]
    made_by: Literal["loader", "sql", "python"]
    refreshed_by: Literal["cycle", "flow"]
    published: bool
    reads: tuple[str, ...] = ()


class _Properties(_Section, frozen=True):
    description: str
    config: _TableConfig
    meta: _TableMeta
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Table:
    """A table or view, as its `.yml` declares it."""

    name: str
    """With its schema: `marts.campaign_roi`."""
    description: str
    kind: Literal["table", "view"]
    grain: tuple[str, ...]
    """The columns that tell its rows apart; none where rows may repeat."""
    made_by: Literal["loader", "sql", "python"]
    refreshed_by: Literal["cycle", "flow"]
    is_published: bool
    declared_reads: tuple[str, ...]
    """The relations that a function is called with; what a SELECT reads, the SELECT says."""
    columns: tuple[Column, ...]
    file: Path

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    @property
    def personal(self) -> tuple[str, ...]:
        """Names of the columns that stay out of snapshots unless the firm shows its owners."""
        return tuple(column.name for column in self.columns if column.is_personal)

    def hidden(self, owners: Owners) -> tuple[str, ...]:
        """Return the names of the columns that a snapshot lacks."""
        return tuple(column.name for column in self.columns if not column.is_shown(owners))

    @property
    def kinds_of_rows(self) -> str | None:
        """The column that says whom a row is about, where some rows are about an owner."""
        return next((column.name for column in self.columns if column.name in ("segment_kind", "entity_kind")), None)

    @cached_property
    def select(self) -> str:
        """The SELECT of a model that is made by SQL; read once, however often a stream builds it."""
        return self.file.with_suffix(".sql").read_text("utf-8")


def read_table(file: Path) -> Table:
    """Read one declaration; WarehouseError names the file and the key that is wrong."""
    try:
        about = msgspec.convert(_with_tagged_tests(msgspec.yaml.decode(file.read_bytes())), _Properties)
    except msgspec.MsgspecError as error:
        raise WarehouseError(f"{file}: {error}.") from None
    meta = about.meta
    table = Table(
        name=f"{file.parent.name}.{file.stem}",
        description=about.description,
        kind=about.config.materialized,
        grain=meta.grain,
        made_by=meta.made_by,
        refreshed_by=meta.refreshed_by,
        is_published=meta.published,
        declared_reads=meta.reads,
        columns=about.columns,
        file=file,
    )
    for complaint in _complaints(table):
        raise WarehouseError(f"{file}: {complaint}.")
    return table


def _with_tagged_tests(properties: Any) -> Any:
    """Write the data tests of all columns as msgspec tells them apart: `{not_null: {…}}` and `not_null` as `{test: not_null, …}`."""
    columns = properties.get("columns") if isinstance(properties, dict) else None
    if not isinstance(columns, list):
        return properties
    return properties | {"columns": [_with_tags(column) if isinstance(column, dict) else column for column in columns]}


def _with_tags(column: dict[str, Any]) -> dict[str, Any]:
    tests = column.get("data_tests")
    return column | {"data_tests": [_tagged(test) for test in tests]} if isinstance(tests, list) else column


def _tagged(test: Any) -> Any:
    if isinstance(test, str):
        return {"test": test}
    if isinstance(test, dict) and len(test) == 1:
        ((kind, arguments),) = test.items()
        return {"test": kind, **(arguments or {})}
    return test


def _complaints(table: Table) -> Iterator[str]:
    """Say what fits the shape of a declaration and yet cannot be."""
    names = [column.name for column in table.columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"columns: {name} is declared twice"
    for name in table.grain:
        if name not in names:
            yield f"meta.grain: there is no column {name}"
        elif table.is_published and name in table.personal:
            yield f"meta.grain: {name} stays out of snapshots, so a published table cannot be told apart by it"
    yield from _maker_complaints(table)


def _maker_complaints(table: Table) -> Iterator[str]:
    beside = {kind: table.file.with_suffix(suffix).exists() for kind, suffix in (("sql", ".sql"), ("python", ".py"))}
    for kind, is_there in beside.items():
        if is_there != (table.made_by == kind):
            yield f"meta.made_by is {table.made_by}, {'and' if is_there else 'but'} there is {'a' if is_there else 'no'} file for {kind}"
    if table.made_by == "python" and table.kind == "view":
        yield "config.materialized: what a function makes is a table"
    if bool(table.declared_reads) != (table.made_by == "python"):
        yield "meta.reads names the relations of a function: it has to be there for made_by python, and for nothing else"


def read_tables(folder: Path) -> dict[str, Table]:
    """Read all declarations of a folder by name; WarehouseError for a file that is none's, and for a reference that leads nowhere."""
    found = {table.name: table for table in _with_current_views(map(read_table, sorted(folder.glob("*/*.yml"))))}
    for file in sorted((*folder.glob("*/*.sql"), *folder.glob("*/*.py"))):
        name = f"{file.parent.name}.{file.name.split('.')[0]}"
        if name not in found and file.parent.name != "macros":
            raise WarehouseError(f"{file}: no {name.split('.')[1]}.yml beside it declares {name}.")
    for table in found.values():
        for complaint in _dangling(table, found):
            raise WarehouseError(f"{table.file}: {complaint}.")
    return found


def _with_current_views(found: Iterable[Table]) -> Iterator[Table]:
    """Yield tables, each that keeps every version of a fact followed by the view of the versions that count."""
    for table in found:
        yield table
        if any(column.name == SUPERSEDED for column in table.columns):
            yield replace(
                table,
                name=f"{table.schema}.current_{table.name.split('.')[1]}",
                description=f"{table.description} Only the versions that count.",
                kind="view",
                columns=tuple(column for column in table.columns if column.name != SUPERSEDED),
            )


def _dangling(table: Table, known: Mapping[str, Table]) -> Iterator[str]:
    """Say which references of a table lead nowhere."""
    for name in table.declared_reads:
        if name not in known:
            yield f"meta.reads: there is no table {name}"
    for column in table.columns:
        for test in column.data_tests:
            if isinstance(test, Relationships):
                there = known.get(test.to)
                if there is None or test.field not in {other.name for other in there.columns}:
                    yield f"{column.name}: relationships leads to {test.to}.{test.field}, which is not declared"
                elif table.is_published and (not there.is_published or test.field in there.personal):
                    yield f"{column.name}: relationships leads to {test.to}.{test.field}, which stays out of snapshots"


@cache
def tables() -> Mapping[str, Table]:
    """Return the declarations of this warehouse by name, in alphabetical order."""
    return read_tables(FOLDER)


def declared(name: str) -> Table:
    """Return one declaration; WarehouseError when there is none."""
    if name not in tables():
        raise WarehouseError(f"{name} is not declared: there is no {name.replace('.', '/')}.yml in {FOLDER}.")
    return tables()[name]


def loaded_tables() -> tuple[Table, ...]:
    """Return the tables that migrations make and the loader fills."""
    return tuple(table for table in tables().values() if table.made_by == "loader")


def describe(con: duckdb.DuckDBPyConnection, table: Table, *, kind: str = "", hidden: Collection[str] = ()) -> None:
    """Write a declaration's words into the catalogue; the relation may be of another kind here, and without the hidden columns."""
    comments = [f"COMMENT ON {kind or table.kind} {table.name} IS {_quoted(table.description)}"]
    shown = [column for column in table.columns if column.name not in hidden]
    comments += [f'COMMENT ON COLUMN {table.name}."{column.name}" IS {_quoted(column.comment)}' for column in shown]
    con.execute(";".join(comments))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
