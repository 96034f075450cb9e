"""One invented company for the tests of the simulator's parts: small, but with every accident in it."""

from __future__ import annotations

import pytest

from tests.unit.simulator.stories import Story, story_of


@pytest.fixture(scope="session")
def story() -> Story:
    return story_of(5, 400, 365)
