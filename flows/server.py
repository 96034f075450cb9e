"""A local Prefect server, and what talks to it: child processes in groups of their own, ended and reaped with the block.

Every setting of Prefect goes to the children by environment, and all that it writes stays in one folder of ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from nisba.config import Config
from nisba.errors import SourceError
from pipelines.broker.retry import Deadline, retry_until
from pipelines.loopback import free_port

__all__ = ["child", "environment", "prefect_server", "serving", "wait_until_ready"]

READY_SECONDS = 120.0
GRACE_SECONDS = 10.0


def environment(home: Path, api_url: str | None = None) -> dict[str, str]:
    """Return this process's environment with Prefect's settings laid over it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    settings = {
        "PREFECT_HOME": str(home.resolve()),
        "PREFECT_PROFILES_PATH": str(home.resolve() / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_SHOW_STARTUP_MESSAGE": "false",
    }
    return {**own, **settings, **({"PREFECT_API_URL": api_url} if api_url else {})}


@contextmanager
def child(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own; the group is gone when the block ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            _end(process)


@contextmanager
def prefect_server(home: Path, *, port: int = 0, wait: bool = True) -> Iterator[str]:
    """Run a Prefect server on 127.0.0.1; yields the address of its API, with `wait` only once it answers.

    `port` 0 takes a free one. Raises SourceError when it does not start.
    """
    port = port or free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with child(command, environment(home), home / "server.log") as process:
        if wait:
            wait_until_ready(api_url, process)
        yield api_url


def wait_until_ready(api_url: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the server answers; SourceError when it ends or takes too long."""

    def ask() -> None:
        with urllib.request.urlopen(f"{api_url}/health", timeout=2):  # noqa: S310  always http on loopback
            pass

    def is_starting(error: BaseException) -> bool:
        return isinstance(error, OSError) and (process is None or process.poll() is None)

    try:
        retry_until(Deadline(READY_SECONDS), ask, on=is_starting, pause=0.1)
    except OSError:
        raise SourceError(
            f"the Prefect server at {api_url} did not start: its log is server.log in its folder; is the port taken?"
        ) from None


def serving(api_url: str, home: Path, config_file: str | None, config: Config | None = None, cron: str | None = None) -> int:
    """Serve the flows until they end or this process is interrupted; return the exit code."""
    command = [sys.executable, "-m", "flows.serving"]
    command += [*(["--config", config_file] if config_file else []), *(["--cron", cron] if cron else [])]
    with child(command, environment(home, api_url) | _paths(config), home / "flows.log") as process:
        return process.wait()


def _paths(config: Config | None) -> dict[str, str]:
    """Return the variables that name the files of a configuration wherever a flow runs."""
    if config is None:
        return {}
    return {
        "NISBA_WAREHOUSE_PATH": str(Path(config.warehouse.path).resolve()),
        "NISBA_PUBLISH_DIRECTORY": str(Path(config.publish.directory).resolve()),
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, then make it; reap the leader."""
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
