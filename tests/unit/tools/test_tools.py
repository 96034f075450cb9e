"""The other tools: hashes of books that say what differs, the lock's versions, and a wheel that forgets nothing."""

from __future__ import annotations

import copy
import zipfile
from pathlib import Path

import duckdb
import pytest

from simulator import Noise, simulate
from tools.book_hashes import Hashes, differences, hashed
from tools.install import locked
from tools.measure import CODE, ROOT
from tools.try_wheel import differing_files, expected_files, packages, planted


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "books.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA core; CREATE SCHEMA marts; CREATE SCHEMA ledger")
        con.execute("CREATE TABLE core.entry AS SELECT i AS no, 'x' || i AS name FROM range(5) t(i)")
        con.execute("CREATE VIEW marts.total AS SELECT sum(no) AS total FROM core.entry")
        con.execute("CREATE TABLE ledger.secret AS SELECT 1 AS a")
    return path


def changed(warehouse: Path, statement: str) -> Path:
    with duckdb.connect(str(warehouse)) as con:
        con.execute(statement)
    return warehouse


def test_tables_and_views_of_core_and_marts_are_hashed(warehouse: Path) -> None:
    found = hashed(warehouse, "acme", {})
    assert {key: (value["columns"], value["rows"]) for key, value in found.items()} == {
        "acme.core.entry": (["name", "no"], 5),
        "acme.marts.total": (["total"], 1),
    }


def test_the_order_of_rows_is_no_difference_and_a_value_is(warehouse: Path) -> None:
    before = hashed(warehouse, "acme", {})
    reordered = hashed(changed(warehouse, "CREATE OR REPLACE TABLE core.entry AS FROM core.entry ORDER BY no DESC"), "acme", before)
    assert differences(before, reordered) == []
    other = hashed(changed(warehouse, "UPDATE core.entry SET name = 'y' WHERE no = 3"), "acme", before)
    (line,) = differences(before, other)
    assert line.startswith("acme.core.entry: 5 rows ")


def test_a_column_that_is_added_is_no_difference_and_one_that_is_gone_is(warehouse: Path) -> None:
    before = hashed(warehouse, "acme", {})
    assert differences(before, hashed(changed(warehouse, "ALTER TABLE core.entry ADD COLUMN more INTEGER"), "acme", before)) == []
    assert len(differences(before, hashed(changed(warehouse, "ALTER TABLE core.entry DROP COLUMN name"), "acme", before))) == 1


def test_a_table_that_is_gone_is_said_to_be(warehouse: Path) -> None:
    before: Hashes = hashed(warehouse, "acme", {})
    now = copy.deepcopy(before)
    del now["acme.marts.total"]
    assert differences(before, now) == ["acme.marts.total is gone"]
    assert differences(now, before) == [], "a new table is none"


@pytest.mark.parametrize("package", ["uv", "duckdb", "apache-beam"])
def test_versions_are_those_of_the_lock(package: str) -> None:
    name, version = locked(ROOT, package).split("==")
    assert name == package
    assert version[0].isdigit()


def test_a_package_without_lock_is_named_alone(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("uvicorn==1.0 \\\n    --hash=sha256:0\n", "utf-8")
    assert locked(tmp_path, "uv") == "uv"
    assert locked(tmp_path, "uvicorn") == "uvicorn==1.0"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with two packages, tests, and what must not be shipped."""
    for name in ("nisba", "nisba/data", "warehouse", "tests", "benchmarks", "docs", "nisba/__pycache__"):
        (tmp_path / name).mkdir()
    for name in ("nisba/__init__.py", "nisba/data/words.toml", "warehouse/__init__.py", "warehouse/model.sql", "benchmarks/__init__.py"):
        (tmp_path / name).write_text("", "utf-8")
    (tmp_path / "nisba" / "__pycache__" / "old.pyc").write_text("", "utf-8")
    return tmp_path


def wheel_of(folder: Path, names: set[str]) -> Path:
    path = folder / "nisba-0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*names, "nisba-0.dist-info/METADATA"):
            archive.writestr(name, "")
    return path


def test_a_wheel_has_the_packages_and_all_that_lies_in_them(source: Path) -> None:
    assert packages(source) == ["nisba", "warehouse"]
    assert expected_files(source, packages(source)) == {
        "nisba/__init__.py",
        "nisba/data/words.toml",
        "warehouse/__init__.py",
        "warehouse/model.sql",
    }
    assert packages(ROOT) == sorted(CODE)


@pytest.mark.parametrize(
    ("without", "extra", "expected"),
    [
        (set(), set(), []),
        ({"nisba/data/words.toml"}, set(), ["nisba/data/words.toml"]),
        (set(), {"warehouse/old.py"}, ["warehouse/old.py"]),
        ({"warehouse/model.sql"}, {"tests/test_a.py"}, ["tests/test_a.py", "warehouse/model.sql"]),
    ],
    ids=["whole", "a data file forgotten", "a module of an earlier build", "both"],
)
def test_what_a_wheel_forgets_or_should_not_have(source: Path, without: set[str], extra: set[str], expected: list[str]) -> None:
    names = expected_files(source, packages(source)) - without | extra
    assert differing_files(wheel_of(source, names), source) == expected


def test_what_a_backfill_has_to_count_is_in_the_truth(tmp_path: Path) -> None:
    told = simulate(3, 150, 200, tmp_path, noise=Noise(2, 2, 1, 0))
    found = planted(told.truth)
    assert (found["records"], found["dead_letters"]) == (told.records, told.dead_letters)
    assert min(found.values()) > 0
