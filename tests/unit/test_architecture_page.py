"""docs/architecture.md tells the truth: each rule is where the page says, and nowhere else; the folders are those of the tree."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
RULES = re.findall(r"^\| (.+?) \| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.MULTILINE)
FOLDERS = re.findall(r"^\| `([\w/]+)/` \|", PAGE, re.MULTILINE)
CODE = ("nisba", "schemas", "adapters", "pipelines", "warehouse", "expectations", "reports", "flows", "simulator")


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def _definitions(file: Path) -> frozenset[str]:
    """Return the names that a module defines at its top level; imported ones are another's."""
    found: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(found)


def test_there_are_twenty_rules_or_more() -> None:
    assert len(RULES) >= 20
    assert len({rule for rule, _, _ in RULES}) == len(RULES)


@pytest.mark.parametrize(("rule", "file", "name"), RULES)
def test_each_rule_is_in_its_room(rule: str, file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file(), f"{rule}: there is no {file}"
    if path.suffix != ".py":
        assert name in path.read_text("utf-8"), f"{rule}: {file} does not say {name}"
        return
    assert name in _definitions(path), f"{rule}: {file} does not define {name}"


# one operation, whoever asks for it: the command line and the flows have a command or a task of the same name
WIRED = {"catch_up", "publish"}


@pytest.mark.parametrize(("rule", "file", "name"), [row for row in RULES if row[1].endswith(".py")])
def test_no_rule_has_a_second_room(rule: str, file: str, name: str) -> None:
    layers = [package for package in CODE if not (name in WIRED and package == "flows")]
    modules = [module for package in layers for module in (ROOT / package).rglob("*.py") if "cli" not in module.parts]
    rooms = {str(module.relative_to(ROOT)) for module in modules if name in _definitions(module)}
    assert rooms == {file}, rule


def test_the_folders_are_those_of_the_tree() -> None:
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)
    assert {folder.split("/")[0] for folder in FOLDERS} == set(CODE)


def test_the_layers_are_those_that_the_linter_holds() -> None:
    contract = _pyproject()["tool"]["importlinter"]["contracts"][0]
    assert f"`{' → '.join(contract['layers'])}`" in PAGE
    assert f"`{' → '.join(contract['layers'])}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
