"""Measure the code against the rules of the house: `python tools/measure.py`.

Prints how long functions are, which are too long, and how many lines of tests there are for a line of code. Lines are raw lines of
Python files, blank ones and comments included, so that nobody can argue about what counts. tests/unit/test_house_rules.py holds
the limits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
CODE = ("nisba", "schemas", "adapters", "pipelines", "warehouse", "expectations", "reports", "flows", "simulator")
LONGEST, MEDIAN, TESTS_PER_CODE = 60, 9.0, 0.9


@dataclass(frozen=True, order=True)
class Function:
    """A function or method, from its first decorator to its last line."""

    lines: int
    place: str


def python_files(*folders: str, root: Path = ROOT) -> list[Path]:
    """Return the Python files of some folders, in order of their paths."""
    return sorted(file for folder in folders for file in (root / folder).rglob("*.py") if "__pycache__" not in file.parts)


def lines_of(*folders: str, root: Path = ROOT) -> int:
    """Count the lines of the Python files of some folders."""
    return sum(len(file.read_text("utf-8").splitlines()) for file in python_files(*folders, root=root))


def functions_of(source: str, name: str) -> Iterator[Function]:
    """Yield the functions of a module, inner ones too.

    >>> list(functions_of("@cache\\ndef f():\\n    def g(): pass\\n", "module.py"))
    [Function(lines=3, place='module.py:2 f'), Function(lines=1, place='module.py:3 g')]
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield Function((node.end_lineno or node.lineno) - first + 1, f"{name}:{node.lineno} {node.name}")


def functions(*folders: str, root: Path = ROOT) -> list[Function]:
    """Return the functions of some folders, the longest first."""
    files = python_files(*folders, root=root)
    return sorted((each for file in files for each in functions_of(file.read_text("utf-8"), str(file.relative_to(root)))), reverse=True)


def main() -> None:
    """Print the measures."""
    found = functions(*CODE)
    code, tests = lines_of(*CODE), lines_of("tests")
    print(f"functions  {len(found):,}: median {median(each.lines for each in found):g} lines, longest {found[0].lines} ({found[0].place})")
    for each in found:
        if each.lines > LONGEST:
            print(f"           {each.lines} lines, more than {LONGEST}: {each.place}")
    print(f"code       {code:,} lines in {len(python_files(*CODE))} modules")
    print(f"tests      {tests:,} lines: {tests / code:.2f} a line of code, of the {TESTS_PER_CODE} that are wanted")
    for folder in CODE:
        print(f"           {folder:14} {lines_of(folder):6,}")


if __name__ == "__main__":
    main()
