"""Invented companies: a small one with every accident in it for the tests of the simulator's parts, and the books of the demo's."""

from __future__ import annotations

from pathlib import Path

import pytest

from nisba.config import load_config
from pipelines.backfill import backfill
from simulator import simulate
from tests.unit.simulator.stories import Story, story_of


@pytest.fixture(scope="session")
def story() -> Story:
    return story_of(5, 400, 365)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the company that the demo shows; tests only read it."""
    folder = tmp_path_factory.mktemp("company")
    simulate(7, 280, 731, folder / "events")
    config = load_config(folder / "events" / "agreements.toml", {}, {"warehouse.path": str(folder / "warehouse.duckdb")})
    backfill(folder / "events", config)
    return folder / "warehouse.duckdb"
