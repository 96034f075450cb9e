"""The flows on a real Prefect server and an embedded broker: a schedule that fires, and a broken figure that is not published."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.server import child, environment, prefect_server
from nisba.config import Config, load_config
from pipelines.broker.embedded_broker import embedded_broker
from pipelines.broker.producer import send_directory
from pipelines.broker.topics import create_topics
from schemas.encoding import encode_event
from warehouse.connection import open_writer
from warehouse.models.publication import published

pytestmark = pytest.mark.prefect


class Place:
    """A folder with a configuration, a broker and a Prefect server for it."""

    def __init__(self, folder: Path, api_url: str, broker: str) -> None:
        self.folder, self.api_url, self.settings = folder, api_url, folder / "nisba.toml"
        text = f'[kafka]\nbootstrap_servers = "{broker}"\n[warehouse]\npath = "{folder}/warehouse.duckdb"\n'
        self.settings.write_text(f'{text}[publish]\ndirectory = "{folder}/published"\n', "utf-8")

    @property
    def config(self) -> Config:
        return load_config(self.settings, environment={})

    def send_deal(self, revision: int, segment: str) -> None:
        """Send a won deal's next state."""
        data: dict[str, Any] = {
            "deal_id": "d-1",
            "account_id": "acme",
            "stage": "won",
            "status": "won",
            "opened_at": "2026-01-05T00:00:00Z",
        }
        data |= {"amount": "100.00", "currency": "USD", "closed_at": "2026-02-10T00:00:00Z", "revision": revision, "segment": segment}
        event = encode_event("nisba.deal.v1", f"e-{revision}", "crm", f"2026-02-1{revision}T00:00:00Z", data)[1]
        events = self.folder / f"events-{revision}"
        events.mkdir()
        (events / "crm.deal.jsonl").write_bytes(event + b"\n")
        assert send_directory(events, self.config).records == 1

    def flow(self, *arguments: str, seconds: float = 300.0) -> tuple[int, str]:
        """Run flows.serving to its end; return its code and its log."""
        log = self.folder / "flow.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "flows.serving", "--config", str(self.settings), *arguments]
        with child(command, environment(self.folder / "prefect", self.api_url), log) as process:
            return process.wait(seconds), log.read_text("utf-8")

    def ask(self, what: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        request = urllib.request.Request(f"{self.api_url}/{what}/filter", json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("flows")
    with prefect_server(folder / "prefect") as api_url, embedded_broker() as broker:
        made = Place(folder, api_url, broker)
        create_topics(made.config.kafka)
        yield made


def test_figures_are_published_and_shown_in_prefect(place: Place) -> None:
    place.send_deal(1, "mid-market")
    code, log = place.flow("--once")
    assert code == 0, log
    snapshot = published(place.config)
    assert snapshot is not None
    assert snapshot.name == "nisba-1.duckdb"
    (artifact,) = place.ask("artifacts", {"artifacts": {"key": {"any_": ["nisba-report"]}}})
    assert "100.00" in artifact["data"]
    assert "target of 30 %" in artifact["description"]


def test_broken_figure_fails_at_the_check_and_is_not_published(place: Place) -> None:
    with open_writer(place.config.warehouse.path) as con:
        con.execute("UPDATE core.entry SET amount_reporting = amount_reporting + 1")
    code, log = place.flow("--once")
    assert code != 0
    assert "credits_add_up" in log
    found = place.ask("task_runs", {"sort": "EXPECTED_START_TIME_DESC", "limit": 2})
    assert {run["name"].rsplit("-", 1)[0]: run["state_type"] for run in found} == {"catch_up": "COMPLETED", "publish": "FAILED"}
    current = published(place.config)
    assert current is not None
    assert current.name == "nisba-1.duckdb"
    assert [file.name for file in (place.folder / "published").glob("*.duckdb") if not file.is_symlink()] == ["nisba-1.duckdb"]


def test_scheduled_run_happens(place: Place) -> None:
    place.send_deal(2, "enterprise")  # its account is attributed anew, which mends the broken figure
    command = [sys.executable, "-m", "flows.serving", "--config", str(place.settings), "--cron", "* * * * *"]
    settings = environment(place.folder / "prefect", place.api_url)
    deadline = time.monotonic() + 480
    with child(command, settings, place.folder / "serving.log"):
        while not (runs := _ended(place)) and time.monotonic() < deadline:
            time.sleep(1)  # nothing tells when a run ends; the deadline bounds the wait
    assert runs, (place.folder / "serving.log").read_text("utf-8")
    assert runs[0]["state_type"] == "COMPLETED"
    current = published(place.config)
    assert current is not None
    assert current.name != "nisba-1.duckdb"


def _ended(place: Place) -> list[dict[str, Any]]:
    """Return the scheduled runs of `daily` that have ended."""
    ended = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}, "flows": {"name": {"any_": ["daily"]}}}
    return [run for run in place.ask("flow_runs", ended) if run["auto_scheduled"]]
