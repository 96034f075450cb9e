"""Warehouses for the commands, made once: hand-made books, and books of events with a ledger behind them. Commands only read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nisba.cli import cli
from tests.unit.reports.books_by_hand import make_books
from tests.unit.reports.landed import landed_books

Run = Callable[..., Result]
AsJson = Callable[..., Any]

LANDED_CONFIG = """
[attribution]
models = ["linear", "first_touch"]
default_model = "linear"
lookback_days = 30
teams = ["marketing", "sales"]
mapping = "contacts"
[[model]]
id = "marketing_only"
rest = 100
teams = ["marketing"]
"""
"""As a file, what tests.unit.reports.landed.CONFIG is as a value."""


@pytest.fixture(scope="package")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "warehouse.duckdb"
    make_books(path).close()
    return path


@pytest.fixture(scope="package")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("landed") / "warehouse.duckdb"
    landed_books(path).close()
    (path.parent / "nisba.toml").write_text(LANDED_CONFIG, "utf-8")
    return path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every command in an empty folder, without the settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("NISBA_WAREHOUSE_PATH", "NISBA_PUBLISH_DIRECTORY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run() -> Run:
    """Run a command line in this process."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="nisba")

    return invoke


@pytest.fixture
def as_json(run: Run) -> AsJson:
    """Run a command line with --json and read what it prints."""

    def invoke(*arguments: object) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke
