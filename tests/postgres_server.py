"""A real Postgres server for a test: on a socket of its own, with a password, and gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["PASSWORD", "Server", "postgres_server"]

PASSWORD = "a password of this test"
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Server:
    """A running server: where its socket is, and who may log in."""

    socket: Path
    user: str = "nisba"

    def url(self, database: str = "postgres") -> str:
        """Return how a place is written that lies there; the password is not in it."""
        return f"postgres:///{database}?host={self.socket}&user={self.user}"


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Start a server of this machine's binaries; skip the test, with the reason, where there are none."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name)
        data = folder / "data"
        (folder / "password").write_text(PASSWORD + "\n", "utf-8")
        _give_away(folder)
        _run([initdb, "-D", data, "-U", "nisba", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-E", "UTF8", "--no-sync"])
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        _run([pg_ctl, "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", options, "start"])
        try:
            yield Server(folder)
        finally:
            _run([pg_ctl, "-D", data, "-w", "-m", "immediate", "stop"])


def _binary(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no Postgres server on this machine: {name} is not found")
    return found


def _run(command: list[str | Path]) -> None:
    """Run a program of Postgres as somebody who is not root, since it refuses to run as root."""
    user = _somebody().pw_name if os.geteuid() == 0 else None
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, user=user, cwd="/", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, _somebody().pw_uid, -1)


def _somebody() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("there is no user on this machine who may run a Postgres server")
