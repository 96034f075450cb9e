"""Suites follow from declarations: which expectation, with which words, and none about what a snapshot hides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from expectations.suites import REASONS, REPEATED, Expected, suite_of, suites
from warehouse.models.check_files import checks_of
from warehouse.models.declarations import DataTest, Table, declared, read_table, tables
from warehouse.models.publication import published_tables

HEAD = """\
description: One row per deal.
config: {materialized: table}
meta: {grain: [%s], made_by: loader, refreshed_by: cycle, published: true}
columns:
  - {name: deal_id, data_type: VARCHAR, description: The deal., data_tests: [%s]}
  - {name: ordinal, data_type: INTEGER, description: Its touch., data_tests: [%s]}
  - name: status
    data_type: VARCHAR
    description: open or won.
"""


def _table(folder: Path, *, grain: str = "", tests: str = "[]", personal: bool = False, keys: tuple[str, str] = ("", "")) -> Table:
    (folder / "core").mkdir(exist_ok=True)
    file = folder / "core" / "deal.yml"
    meta = "    meta: {personal: true}\n" if personal else ""
    file.write_text(HEAD % (grain, *keys) + f"{meta}    data_tests: {tests}\n")
    return read_table(file)


def _only(table: Table) -> Expected:
    (expected,) = suite_of(table).expected
    return expected


def test_grain_of_many_columns_is_a_combination_that_is_there_once(tmp_path: Path) -> None:
    found, *rest = suite_of(_table(tmp_path, grain="deal_id, ordinal", keys=("not_null", "not_null"))).expected
    assert (found.name, found.kind, found.reason, found.severity) == (
        "unique_grain",
        "ExpectCompoundColumnsToBeUnique",
        REPEATED,
        "critical",
    )
    assert found.arguments == {"column_list": ["deal_id", "ordinal"]}
    assert [one.name for one in rest] == ["not_null_deal_id", "not_null_ordinal"]


def test_grain_with_nulls_is_asked_by_a_query(tmp_path: Path) -> None:
    """Two rows whose keys are alike are alike, nulls included."""
    found, _ = suite_of(_table(tmp_path, grain="deal_id, ordinal", keys=("not_null", ""))).expected
    assert (found.name, found.kind) == ("unique_grain", "UnexpectedRowsExpectation")
    query = 'SELECT "deal_id", "ordinal", count(*) AS rows FROM core.deal GROUP BY ALL HAVING count(*) > 1'
    assert found.arguments == {"unexpected_rows_query": query}


def test_grain_of_one_column_is_unique(tmp_path: Path) -> None:
    found = _only(_table(tmp_path, grain="deal_id"))
    assert (found.name, found.kind, found.arguments) == ("unique_deal_id", "ExpectColumnValuesToBeUnique", {"column": "deal_id"})


def test_table_whose_rows_may_repeat_expects_nothing(tmp_path: Path) -> None:
    assert suite_of(_table(tmp_path)).expected == ()


@pytest.mark.parametrize(
    ("test", "name", "kind", "arguments"),
    [
        ("not_null", "not_null_status", "ExpectColumnValuesToNotBeNull", {"column": "status"}),
        ("unique", "unique_status", "ExpectColumnValuesToBeUnique", {"column": "status"}),
        (
            "{accepted_values: {values: [open, won]}}",
            "accepted_values_status",
            "ExpectColumnValuesToBeInSet",
            {"column": "status", "value_set": ["open", "won"]},
        ),
        (
            "{dbt_utils.accepted_range: {min_value: -1.5}}",
            "accepted_range_status",
            "ExpectColumnValuesToBeBetween",
            {"column": "status", "min_value": -1.5, "max_value": None},
        ),
        (
            "{relationships: {to: core.state, field: name}}",
            "relationships_status",
            "UnexpectedRowsExpectation",
            {
                "unexpected_rows_query": 'SELECT "status" FROM core.deal AS here ANTI JOIN core.state AS there '
                'ON here."status" = there."name" WHERE "status" IS NOT NULL'
            },
        ),
    ],
)
def test_each_kind_of_data_test(tmp_path: Path, test: str, name: str, kind: str, arguments: dict[str, Any]) -> None:
    found = _only(_table(tmp_path, tests=f"[{test}]"))
    assert (found.name, found.kind, found.arguments, found.severity) == (name, kind, arguments, "critical")
    assert found.reason.endswith(".")


def test_words_and_severity_of_a_test_are_its_own(tmp_path: Path) -> None:
    found = _only(_table(tmp_path, tests="[{not_null: {description: Nobody counts it., config: {severity: warn}}}]"))
    assert (found.reason, found.severity) == ("Nobody counts it.", "warning")


def test_column_that_a_snapshot_hides_is_expected_nothing_of(tmp_path: Path) -> None:
    assert suite_of(_table(tmp_path, tests="[not_null, unique]", personal=True)).expected == ()


def test_checks_are_queries_whose_braces_are_no_placeholders(tmp_path: Path) -> None:
    table = _table(tmp_path)
    table.file.with_name("deal.checks.sql").write_text(
        "-- check: deals_close\n-- reason: They must.\n-- severity: warning\nSELECT {'id': deal_id} AS deal FROM core.deal\n"
    )
    found = _only(table)
    assert (found.name, found.reason, found.severity, found.kind) == ("deals_close", "They must.", "warning", "UnexpectedRowsExpectation")
    query = found.arguments["unexpected_rows_query"]
    assert query == "SELECT {{'id': deal_id}} AS deal FROM core.deal"
    assert query.format(batch="core.deal") == checks_of(table)[0].select


def test_every_published_table_has_a_suite_that_expects_something() -> None:
    assert [suite.table for suite in suites()] == [table.name for table in published_tables()]
    assert all(suite.expected for suite in suites())
    assert {suite.table: suite.key for suite in suites()} == {table.name: table.grain for table in published_tables()}


def test_names_tell_the_expectations_of_a_table_apart() -> None:
    for suite in suites():
        names = [expected.name for expected in suite.expected]
        assert len(names) == len(set(names)), suite.table


def test_all_that_a_declaration_expects_is_in_its_suite() -> None:
    """Counted apart: one for the grain, one for each data test of a column that is published, one for each check."""
    for suite in suites():
        table = declared(suite.table)
        data_tests = sum(len(column.data_tests) for column in table.columns if not column.is_personal)
        assert len(suite.expected) == bool(table.grain) + data_tests + len(checks_of(table)), suite.table


def test_every_kind_of_data_test_has_a_reason_and_is_a_sentence() -> None:
    assert set(REASONS) == set(DataTest.__args__)
    assert all(expected.reason.endswith(".") for table in tables().values() for expected in suite_of(table).expected)
