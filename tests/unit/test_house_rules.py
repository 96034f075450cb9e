"""The rules of CONTRIBUTING.md that a machine can hold."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from tools.measure import CODE, LONGEST, MEDIAN, ROOT, TESTS_PER_CODE, functions, lines_of, python_files

MODULES = python_files(*CODE)
SHORT_NAMES = {"confluent_kafka": "kafka", "apache_beam": "beam", "pyarrow": "arrow", "duckdb_sqlalchemy": "sqlalchemy"}
"""What people call a library whose import has a longer name."""


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level names of everything that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def libraries(tree: ast.Module) -> set[str]:
    """Return what a module imports that is neither ours nor Python's own, with the short names."""
    foreign = set(imported(tree)) - set(CODE) - set(sys.stdlib_module_names)
    return foreign | {SHORT_NAMES[name] for name in foreign if name in SHORT_NAMES}


def test_no_folder_of_tests_stands_for_a_package() -> None:
    """With an `__init__.py` tests/unit/reports would be imported as `reports`, and the tests would see another tree or none."""
    assert [name_of(file) for file in (ROOT / "tests").rglob("__init__.py") if file.parent.name in CODE] == []


def test_functions_are_short() -> None:
    found = functions(*CODE)
    assert [each for each in found if each.lines > LONGEST] == []
    assert median(each.lines for each in found) <= MEDIAN


def test_there_is_nearly_a_line_of_tests_for_a_line_of_code() -> None:
    assert lines_of("tests") / lines_of(*CODE) >= TESTS_PER_CODE


def test_a_module_has_a_name_of_the_field() -> None:
    assert [name_of(file) for file in MODULES if file.stem in {"utils", "util", "misc", "helpers"}] == []


def test_no_module_is_named_after_a_library_that_it_uses() -> None:
    named = [name_of(file) for file in MODULES if {file.stem, file.parent.name} & libraries(parsed(file))]
    assert named == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name_of(file) for file in MODULES if parsed(file).body and ast.get_docstring(parsed(file)) is None] == []


def test_every_public_function_says_what_it_does_in_one_line_first() -> None:
    silent = [
        f"{name_of(file)}: {node.name}"
        for file in MODULES
        for node in parsed(file).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not (ast.get_docstring(node) or "").split("\n\n")[0]
    ]
    assert silent == []


def is_error(node: ast.ClassDef) -> bool:
    """Say whether a class derives from one of Python's own exceptions."""
    bases = (getattr(builtins, base.id, None) for base in node.bases if isinstance(base, ast.Name))
    return any(isinstance(base, type) and issubclass(base, BaseException) for base in bases)


def test_errors_on_purpose_are_all_in_the_one_tree() -> None:
    found = {
        (name_of(file), node.name)
        for file in MODULES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef) and is_error(node)
    }
    assert found == {("nisba/errors.py", "NisbaError")}


def test_nothing_depends_on_the_hash_of_this_process() -> None:
    """Python's `hash` of text is another one in every process: nothing that is stored or sharded may use it."""
    calls = [
        f"{name_of(file)}:{node.lineno}"
        for file in MODULES
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash"
    ]
    assert calls == []


@pytest.mark.parametrize("clock", ["now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"])
def test_no_figure_reads_a_clock(clock: str) -> None:
    """The books are a function of the facts: nothing in the core may know what time it is."""
    core = [file for file in MODULES if name_of(file).startswith("nisba/attribution/")]
    readers = [
        f"{name_of(file)}:{node.lineno}"
        for file in core
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == clock
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"dt", "datetime", "date", "time"}
    ]
    assert len(core) > 10
    assert readers == []
