"""Deployments: prefect.yaml and `nisba serve` deploy the same flows, by module, wherever they are started from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]

LOADED = """
import json, sys
before = set(sys.path)
from prefect.flows import load_flow_from_entrypoint
flows = [load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False) for entrypoint in sys.argv[1:]]
from flows.refresh import catch_up, daily
from flows.serving import DAILY_CRON, deployment
served = [deployment(catch_up, "on-demand"), deployment(daily, "nightly", cron=DAILY_CRON)]
print(json.dumps({
    "loaded": [[flow.name, flow.fn.__module__] for flow in flows],
    "are_ours": [flow is own for flow, own in zip(flows, (catch_up, daily))],
    "served": [[made.name, made.entrypoint, [str(each.schedule.cron) for each in made.schedules or []]] for made in served],
    "added_to_path": sorted(set(sys.path) - before),
}))
"""


def deployed() -> dict[str, dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    return {entry["name"]: entry for entry in found}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees that runs in a folder of its own, as a worker does; importing Prefect takes seconds, so it is one."""
    folder = tmp_path_factory.mktemp("worker")
    environment = {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder / "prefect"), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", LOADED, *(entry["entrypoint"] for entry in deployed().values())]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_entrypoints_of_prefect_yaml_are_found_from_any_folder(seen: dict[str, Any]) -> None:
    assert seen["loaded"] == [["catch_up", "flows.refresh"], ["daily", "flows.refresh"]]
    assert seen["are_ours"] == [True, True]


def test_loading_a_flow_adds_no_folder_to_the_search_path(seen: dict[str, Any]) -> None:
    assert seen["added_to_path"] == []


def test_serve_deploys_what_prefect_yaml_deploys(seen: dict[str, Any]) -> None:
    expected = [
        [name, entry["entrypoint"], [schedule["cron"] for schedule in entry.get("schedules", [])]] for name, entry in deployed().items()
    ]
    assert seen["served"] == expected
    assert [name for name, _, _ in expected] == ["on-demand", "nightly"]
    assert all(":" not in entrypoint for _, entrypoint, _ in expected)


def test_workers_pull_nothing() -> None:
    assert yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["pull"] == []
