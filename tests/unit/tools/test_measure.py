"""Measures: what counts as a function, a line, a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import measure
from tools.measure import Function, functions, functions_of, lines_of, python_files

SOURCE = '''"""A module."""

def short(): return 1


class Kind:
    @property
    def longer(self):
        """Three lines, and a decorator.

        """
        return lambda: 2

    async def waits(self):
        def inside():
            pass
'''


def test_functions_are_counted_from_their_decorator_to_their_last_line() -> None:
    found = sorted(functions_of(SOURCE, "m.py"), reverse=True)
    assert found == [
        Function(6, "m.py:8 longer"),
        Function(3, "m.py:14 waits"),
        Function(2, "m.py:15 inside"),
        Function(1, "m.py:3 short"),
    ]


def test_a_module_without_functions_has_none() -> None:
    assert list(functions_of("X = 1\n", "m.py")) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a" / "deep" / "__pycache__").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "one.py").write_text(SOURCE, "utf-8")
    (tmp_path / "a" / "deep" / "two.py").write_text("def f():\n    pass\n\n\n", "utf-8")
    (tmp_path / "a" / "deep" / "__pycache__" / "two.py").write_text("x\n" * 100, "utf-8")
    (tmp_path / "a" / "notes.md").write_text("x\n" * 100, "utf-8")
    (tmp_path / "b" / "three.py").write_text("", "utf-8")
    return tmp_path


def test_files_of_folders(tree: Path) -> None:
    assert [file.name for file in python_files("a", "b", root=tree)] == ["two.py", "one.py", "three.py"]
    assert python_files("b", root=tree) == [tree / "b" / "three.py"]


def test_lines_are_raw_lines_of_python(tree: Path) -> None:
    assert lines_of("a", root=tree) == SOURCE.count("\n") + 4
    assert lines_of("b", root=tree) == lines_of("nowhere", root=tree) == 0


def test_functions_of_a_tree_come_longest_first(tree: Path) -> None:
    assert [each.place for each in functions("a", "b", root=tree)] == [
        "a/one.py:8 longer",
        "a/one.py:14 waits",
        "a/one.py:15 inside",
        "a/deep/two.py:1 f",
        "a/one.py:3 short",
    ]


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    measure.main()
    printed = capsys.readouterr().out
    assert "median" in printed
    assert f"{lines_of('tests'):,} lines" in printed
    assert all(folder in printed for folder in measure.CODE)
    assert "more than 60" not in printed
