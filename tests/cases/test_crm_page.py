"""The page of what CRMs do: each row is held by a case and names a column that there is, and each query gives what the page prints."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from tests.cases.case_files import FOLDER, as_text, read_case
from tests.cases.running import config_of, emptied, landed
from warehouse.models.build import build
from warehouse.models.declarations import tables

ROOT = FOLDER.parents[1]
PAGE = (ROOT / "docs" / "crm.md").read_text("utf-8")
LINK = r"\[[^\]]+\]\(\.\./tests/cases/(\S+?)\.yml\)"
EXAMPLE = re.compile(rf"^{LINK}\n\n```sql\n(.*?)\n```\n\n((?:\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
CASES_OF_ROWS = re.compile(rf"^\|.*\| {LINK} \|$", re.MULTILINE)
EXAMPLES = EXAMPLE.findall(PAGE)


def rows_of(table: str) -> list[list[str]]:
    """Return the cells of a table in Markdown, its header first."""
    head, _, *rows = (line.strip("|").split("|") for line in table.splitlines())
    return [[cell.strip() for cell in row] for row in (head, *rows)]


@pytest.mark.parametrize(("name", "sql", "table"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_a_query_gives_what_the_page_prints(name: str, sql: str, table: str, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    case = read_case(FOLDER / f"{name}.yml")
    con = emptied(warehouse)
    landed(con, case.records, config_of(case, tmp_path), tmp_path / "events")
    build(con)
    cursor = con.execute(sql)
    columns = [(column[0], str(column[1])) for column in cursor.description or ()]
    head, *printed = rows_of(table)
    assert head == [column for column, _ in columns]
    as_printed = [[as_text(cell, of) for cell, (_, of) in zip(row, columns, strict=True)] for row in printed]
    assert [[as_text(cell, of) for cell, (_, of) in zip(row, columns, strict=True)] for row in cursor.fetchall()] == as_printed


def test_every_row_is_held_by_a_case() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 3 and not line.endswith("| case |")]
    assert len(CASES_OF_ROWS.findall(PAGE)) == len(rows) >= 50
    assert [name for name in re.findall(LINK, PAGE) if not (FOLDER / f"{name}.yml").is_file()] == []


def test_every_column_that_the_page_names_is_there() -> None:
    declared = {f"{table.name}.{column.name}" for table in tables().values() for column in table.columns}
    named = set(re.findall(r"`((?:core|marts|ops|ledger)\.\w+\.\w+)`", PAGE))
    assert len(named) > 30
    assert named - declared == set()


def test_the_page_has_an_example_for_most_subjects() -> None:
    assert len(EXAMPLES) == PAGE.count("```sql") >= 5
