"""Child processes of the flows: ended and reaped with their block, and told everything by environment."""

from __future__ import annotations

import http.server
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flows import server
from flows.server import child, environment, wait_until_ready
from nisba.config import Config, Publish, Warehouse
from nisba.errors import SourceError


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_environment_has_prefects_settings_and_none_of_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "somebody's")
    monkeypatch.setenv("NISBA_REPORTING_CURRENCY", "EUR")
    found = environment(tmp_path, "http://127.0.0.1:4200/api")
    assert "PREFECT_API_KEY" not in found
    assert (found["PREFECT_API_URL"], found["PREFECT_HOME"]) == ("http://127.0.0.1:4200/api", str(tmp_path))
    assert (found["NISBA_REPORTING_CURRENCY"], found["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("EUR", "false")
    assert "PREFECT_API_URL" not in environment(tmp_path)


def test_files_of_a_configuration_are_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = msgspec.structs.replace(Config(), warehouse=Warehouse(path="w.duckdb"), publish=Publish(directory="out"))
    assert server._paths(config) == {"NISBA_WAREHOUSE_PATH": f"{tmp_path}/w.duckdb", "NISBA_PUBLISH_DIRECTORY": f"{tmp_path}/out"}
    assert server._paths(None) == {}


PARENT = """
import subprocess, sys
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, flush=True)
grandchild.wait()
"""


def test_the_group_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    with child([sys.executable, "-c", PARENT], dict(os.environ), log) as process:
        wait_for_line = threading.Event()
        while not log.read_text().strip():
            wait_for_line.wait(0.01)
            assert process.poll() is None
    grandchild = int(log.read_text())
    assert process.returncode is not None
    for _ in range(500):  # the grandchild is reaped by whoever adopted it
        if not is_alive(grandchild) or "Z" in Path(f"/proc/{grandchild}/stat").read_text().rpartition(")")[2]:
            return
        wait_for_line.wait(0.01)
    pytest.fail("the grandchild lives on")


def test_program_that_ends_by_itself_keeps_its_code(tmp_path: Path) -> None:
    with child([sys.executable, "-c", "print('said'); raise SystemExit(3)"], dict(os.environ), tmp_path / "log") as process:
        assert process.wait(30) == 3
    assert (tmp_path / "log").read_text() == "said\n"


class _Health(http.server.BaseHTTPRequestHandler):
    """Fails twice, then is healthy."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if type(self).asked > 2 else 503)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def api_url() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Health) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/api"
        running.shutdown()
        thread.join()


def test_server_is_ready_when_it_says_so(api_url: str) -> None:
    wait_until_ready(api_url)
    assert _Health.asked == 3


def unused_url() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api"


def test_server_that_never_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READY_SECONDS", 0.0)
    with pytest.raises(SourceError, match=r"did not start: its log is server\.log in its folder; is the port taken\?"):
        wait_until_ready(unused_url())


def test_server_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    with child([sys.executable, "-c", ""], dict(os.environ), tmp_path / "log") as process:
        process.wait(30)
        with pytest.raises(SourceError, match="did not start"):
            wait_until_ready(unused_url(), process)
