"""prefect.yaml and `nisba serve` deploy the same flows on the same schedule."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]


def test_prefect_yaml_has_the_schedule_of_serve() -> None:
    deployed = {entry["entrypoint"]: entry for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}
    assert list(deployed) == ["flows/catching_up.py:catch_up", "flows/catching_up.py:daily"]
    cron = deployed["flows/catching_up.py:daily"]["schedules"][0]["cron"]
    # read as text: importing Prefect takes seconds
    assert re.findall(r'^DAILY_CRON = "(.+)"$', (ROOT / "flows" / "serving.py").read_text("utf-8"), re.MULTILINE) == [cron]
