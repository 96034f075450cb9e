"""A configuration of one model, and its warehouse, open for writing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from nisba.config import Config
from tests.unit.pipelines.events import config_of
from warehouse.connection import open_writer


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path)


@pytest.fixture
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_writer(config.warehouse.path) as opened:
        yield opened
