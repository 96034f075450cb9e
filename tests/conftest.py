"""What all tests share: where the sample data is, and how hard hypothesis tries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.sizes import PROFILE

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("default", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("large", max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of sample data, which is not part of the repository (several licences forbid it).

    Where it should be and is not, CI fails; a machine that never has it says so by NISBA_TEST_DATA=none, and these tests are skipped.
    """
    given = os.environ.get("NISBA_TEST_DATA", str(ROOT.parent / "shared" / "data"))
    if given == "none":
        pytest.skip("there is no sample data on this machine (NISBA_TEST_DATA=none)")
    folder = Path(given)
    if not folder.is_dir():
        message = f"sample data not found in {folder}: set NISBA_TEST_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder
