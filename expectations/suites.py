"""What must hold in the published tables: one suite per table, made from its declaration.

The grain and the data tests of the columns become native expectations; the checks beside the table, which are the laws of money, and
references between tables become queries for the rows that break them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.models.check_files import Severity, checks_of
from warehouse.models.declarations import AcceptedRange, AcceptedValues, Column, DataTest, NotNull, Relationships, Table, Unique, tables

__all__ = ["Expected", "Suite", "suite_of", "suites"]

REPEATED = "A row that is there twice counts twice in every sum."
REASONS: Mapping[type[DataTest], str] = {
    NotNull: "A row without it cannot be told, dated or added up.",
    Unique: REPEATED,
    AcceptedValues: "Whoever filters on the known values would lose the row.",
    AcceptedRange: "A value out of its range is no such figure.",
    Relationships: "A row that refers to nothing drops out of every join.",
}
"""Why each kind of data test matters, where a declaration does not say it in words of its own."""


@dataclass(frozen=True)
class Expected:
    """One expectation: a class of Great Expectations by name, with its arguments."""

    name: str
    reason: str
    severity: Severity
    kind: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Suite:
    """The expectations of one table, and the columns that name a row which breaks one."""

    table: str
    key: tuple[str, ...]
    expected: tuple[Expected, ...]


def suites() -> tuple[Suite, ...]:
    """Return the suite of every published table."""
    return tuple(suite_of(table) for table in tables().values() if table.is_published)


def suite_of(table: Table) -> Suite:
    """Return the suite of a table; columns that stay out of snapshots are in none of it."""
    columns = [column for column in table.columns if not column.is_personal]
    expected = (*_of_grain(table), *_of_columns(table.name, columns), *_of_checks(table))
    return Suite(table.name, table.grain, expected)


def _of_grain(table: Table) -> Iterator[Expected]:
    grain = table.grain
    if len(grain) == 1:
        yield Expected(f"unique_{grain[0]}", REPEATED, "critical", "ExpectColumnValuesToBeUnique", {"column": grain[0]})
    elif grain:
        yield Expected("unique_grain", REPEATED, "critical", *_unique_together(table))


def _unique_together(table: Table) -> tuple[str, dict[str, Any]]:
    """Return class and arguments of the expectation that rows differ in their key.

    The native one finds rows of one key by a join, in which nulls never meet: where a column of the key may be null, it is a query.
    """
    never_null = {column.name for column in table.columns if any(isinstance(test, NotNull) for test in column.data_tests)}
    if never_null.issuperset(table.grain):
        return "ExpectCompoundColumnsToBeUnique", {"column_list": list(table.grain)}
    names = ", ".join(f'"{name}"' for name in table.grain)
    return "UnexpectedRowsExpectation", _query(f"SELECT {names}, count(*) AS rows FROM {table.name} GROUP BY ALL HAVING count(*) > 1")


def _of_columns(table: str, columns: Iterable[Column]) -> Iterator[Expected]:
    for column in columns:
        for test in column.data_tests:
            name, kind, arguments = _native(table, column.name, test)
            severity: Severity = "warning" if test.config.severity == "warn" else "critical"
            yield Expected(name, test.description or REASONS[type(test)], severity, kind, arguments)


def _native(table: str, column: str, test: DataTest) -> tuple[str, str, dict[str, Any]]:
    """Return name, class and arguments of the expectation of a data test."""
    on = {"column": column}
    match test:
        case NotNull():
            return f"not_null_{column}", "ExpectColumnValuesToNotBeNull", on
        case Unique():
            return f"unique_{column}", "ExpectColumnValuesToBeUnique", on
        case AcceptedValues(values=values):
            return f"accepted_values_{column}", "ExpectColumnValuesToBeInSet", on | {"value_set": list(values)}
        case AcceptedRange(min_value=least, max_value=most):
            return f"accepted_range_{column}", "ExpectColumnValuesToBeBetween", on | {"min_value": least, "max_value": most}
        case Relationships(to=to, field=field):
            orphans = f'SELECT "{column}" FROM {table} AS here ANTI JOIN {to} AS there ON here."{column}" = there."{field}" '
            return f"relationships_{column}", "UnexpectedRowsExpectation", _query(f'{orphans}WHERE "{column}" IS NOT NULL')


def _of_checks(table: Table) -> Iterator[Expected]:
    for check in checks_of(table):
        yield Expected(check.name, check.reason, check.severity, "UnexpectedRowsExpectation", _query(check.select))


def _query(select: str) -> dict[str, Any]:
    return {"unexpected_rows_query": select.replace("{", "{{").replace("}", "}}")}
