"""What sources really send, case by case: through the door, the ledger, the core and the marts, to exact rows, in any order of arrival."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from schemas.decoder import decode_block
from tests import oracle
from tests.cases.case_files import FOLDER, Case, Rows, answers, case_files, read_case
from tests.cases.running import config_of, emptied, landed
from tests.oracle.compare import assert_same_books, rows_of
from tests.some_models import build_models
from tests.strategies import block_of
from warehouse.models.build import build
from warehouse.models.lineage import reads
from warehouse.query import arrow_table

CASES = case_files()


def books(con: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the books."""
    places = {name: f"ops.{name}" if name == "held" else f"core.{name}" for name in BOOK_SCHEMAS}
    asked = {name: f"SELECT {', '.join(BOOK_SCHEMAS[name].names)} FROM {place}" for name, place in places.items()}
    return rows_of({name: arrow_table(con, sql) for name, sql in asked.items()})


def accepted(case: Case) -> list[dict[str, Any]]:
    """Return the events of a case that the door does not refuse."""
    return [json.loads(record) for record in case.records if not len(decode_block(block_of("", [(b"", record)])).dead_letters)]


def read_by(case: Case) -> frozenset[str]:
    """Return the tables that the queries of a case read."""
    return frozenset().union(*map(reads, case.then))


def of_the_books(case: Case) -> dict[str, Rows]:
    """Return the queries of a case that ask figures alone: letters, conflicts and counts of records come with every delivery."""
    return {sql: rows for sql, rows in case.then.items() if all(name.startswith(("core.", "marts.")) for name in reads(sql))}


def letters(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of dead letters by class."""
    return dict(con.execute("SELECT error_class, count(*) FROM ops.dead_letter GROUP BY ALL").fetchall())


def differences(con: duckdb.DuckDBPyConnection, case: Case) -> dict[str, Any]:
    """Return, by query, the rows that are there where others were expected."""
    found = letters(con)
    asked = {sql: answers(con, sql, rows) for sql, rows in case.then.items()}
    said = con.execute("SELECT error_class, message FROM ops.dead_letter ORDER BY ALL").fetchall()
    wrong: dict[str, Any] = {"dead letters": (said, case.letters)} if found != case.letters else {}
    return wrong | {sql: {"are": there, "should be": expected} for sql, (there, expected) in asked.items() if there != expected}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.relative_to(FOLDER).with_suffix("").as_posix())
def test_case(file: Path, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The rows are those of the case, the books those of the oracle, and the same when everything comes twice and the last first."""
    case = read_case(file)
    config = config_of(case, tmp_path)
    con = emptied(warehouse)
    landed(con, case.records, config, tmp_path / "once")
    build_models(con, read_by(case))
    assert differences(con, case) == {}, case.why
    kept = books(con)
    turned = case.records[::-1]
    con = emptied(warehouse)
    landed(con, turned[: (len(turned) + 1) // 2], config, tmp_path / "half")
    landed(con, [record for record in turned for _ in range(2)], config, tmp_path / "doubled")
    build_models(con, read_by(case))
    assert differences(con, dataclasses.replace(case, letters=letters(con), then=of_the_books(case))) == {}
    assert_same_books(kept, books(con))
    assert_same_books(oracle.fold(accepted(case), config), kept)


def test_a_case_that_expects_something_else_fails(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Each query is asked and each row counts: with one row less, with one more, or with other letters a case differs."""
    case = read_case(CASES[0])
    con = emptied(warehouse)
    landed(con, case.records, config_of(case, tmp_path), tmp_path / "once")
    build(con)
    assert differences(con, case) == {}
    for sql, rows in case.then.items():
        for other in (rows[1:], [*rows, *rows[:1]]):
            assert set(differences(con, dataclasses.replace(case, then={sql: other}))) == {sql}
    assert "dead letters" in differences(con, dataclasses.replace(case, letters={"schema": 99}, then={}))


def test_a_case_says_why_and_could_fail() -> None:
    for file in CASES:
        case = read_case(file)
        assert any(case.then.values()), f"{case.name} expects nothing"
        assert case.name.split("/")[1].count("_") >= 3, f"{case.name}: a name says what holds"
        assert case.why.endswith("."), case.name
