"""The examples in docstrings run, in every module that has one."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "nisba",
    "schemas",
    "adapters",
    "pipelines",
    "warehouse",
    "expectations",
    "reports",
    "flows",
    "simulator",
    "tools",
    "tests/oracle",
)
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py") if ">>> " in file.read_text("utf-8"))
MODULES = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in FILES]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert (results.failed, results.attempted > 0) == (0, True)


def test_every_layer_has_some() -> None:
    assert {name.split(".")[0] for name in MODULES} >= {"nisba", "schemas", "pipelines", "warehouse", "simulator", "tools", "tests"}
