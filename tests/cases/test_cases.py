"""What sources really send, case by case: through the door, the ledger, the core and the marts, to exact rows, in any order of arrival."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nisba.attribution.books import BOOK_SCHEMAS
from nisba.config import Config, load_config
from pipelines.attribute import attribute
from pipelines.file_source import DirectorySource
from pipelines.ingest import ingest
from tests.cases.case_files import FOLDER, Case, answers, case_files, read_case
from warehouse.migrations import migrate
from warehouse.models.build import build
from warehouse.query import transaction

CASES = case_files()
KEPT = {"ops.migration"}


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """One warehouse in memory for all cases; each finds it empty."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET threads = 1")
        migrate(con)
        yield con


def emptied(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    with transaction(con):
        for name in tables(con, "ledger", "core", "ops", "locked"):
            if name not in KEPT:
                con.execute(f"DELETE FROM {name}")
    return con


def tables(con: duckdb.DuckDBPyConnection, *schemas: str) -> list[str]:
    found = con.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1"
    ).fetchall()
    return [name for (name,) in found if name.split(".")[0] in schemas]


def config_of(case: Case, folder: Path) -> Config:
    """Return the configuration of a case; keys that are unknown are errors, as everywhere."""
    said = {f"{section}.{key}": value for section, keys in case.config.items() for key, value in keys.items()}
    return load_config(None, {}, {**said, "warehouse.path": str(folder / "warehouse.duckdb")})


def landed(con: duckdb.DuckDBPyConnection, records: list[bytes], config: Config, folder: Path) -> None:
    """Send records as one file, and attribute."""
    folder.mkdir()
    (folder / "events.jsonl").write_bytes(b"\n".join(records))
    ingest(con, DirectorySource(str(folder)), config)
    attribute(con, config)


def books(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Return all rows of the books."""
    places = {name: f"ops.{name}" if name == "held" else f"core.{name}" for name in BOOK_SCHEMAS}
    return {name: sorted(map(repr, con.execute(f"SELECT * FROM {place}").fetchall())) for name, place in places.items()}


def differences(con: duckdb.DuckDBPyConnection, case: Case) -> dict[str, Any]:
    """Return, by query, the rows that are there where others were expected."""
    letters = dict(con.execute("SELECT error_class, count(*) FROM ops.dead_letter GROUP BY ALL").fetchall())
    asked = {sql: answers(con, sql, rows) for sql, rows in case.then.items()}
    said = con.execute("SELECT error_class, message FROM ops.dead_letter ORDER BY ALL").fetchall()
    wrong: dict[str, Any] = {"dead letters": (said, case.letters)} if letters != case.letters else {}
    return wrong | {sql: {"are": there, "should be": expected} for sql, (there, expected) in asked.items() if there != expected}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.relative_to(FOLDER).with_suffix("").as_posix())
def test_case(file: Path, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    case = read_case(file)
    config = config_of(case, tmp_path)
    con = emptied(warehouse)
    landed(con, list(case.records), config, tmp_path / "once")
    build(con)
    assert differences(con, case) == {}, case.why
    expected = books(con)
    turned = case.records[::-1]
    con = emptied(warehouse)
    landed(con, list(turned[: len(turned) // 2]) or [turned[0]], config, tmp_path / "half")
    landed(con, [record for record in turned for _ in range(2)], config, tmp_path / "doubled")
    assert books(con) == expected, "the books depend on the order of arrival"


def test_a_case_that_expects_something_else_fails(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Of every case each query is asked and each row counts: without its rows, and with one more, it differs."""
    case = read_case(CASES[0])
    con = emptied(warehouse)
    landed(con, list(case.records), config_of(case, tmp_path), tmp_path / "once")
    build(con)
    for sql, rows in case.then.items():
        for other in (rows[1:], [*rows, rows[0]]):
            assert set(differences(con, dataclasses.replace(case, then={sql: other}))) == {sql}
    assert "dead letters" in differences(con, dataclasses.replace(case, letters={"schema": 99}, then={}))
