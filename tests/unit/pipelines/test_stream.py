"""What the stream does without a broker: signals, the lease, and the text of a cycle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nisba.config import Config, Kafka, Warehouse
from nisba.errors import BrokerError, LeaseTaken
from pipelines.stream import stop_on_signals, stream
from warehouse.connection import is_wanted, open_writer

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_and_the_second_does_what_it_did_before(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda n, _: heard.append(n))
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), number)
            assert stop.wait(5)
            assert heard == []
            os.kill(os.getpid(), number)
            assert heard == [number]
        os.kill(os.getpid(), number)
        assert heard == [number, number]
    finally:
        signal.signal(number, before)


def test_stream_that_is_told_to_stop_before_it_began_does_nothing(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert stream(Config(warehouse=Warehouse(path=str(tmp_path / "w.duckdb"))), stop=stop) == 0
    assert list(tmp_path.iterdir()) == []


def test_wrong_address_ends_the_stream_with_the_sentence(tmp_path: Path) -> None:
    config = Config(kafka=Kafka(bootstrap_servers="127.0.0.1:9", timeout_seconds=1), warehouse=Warehouse(path=str(tmp_path / "w.duckdb")))
    with pytest.raises(BrokerError, match="does not answer"):
        stream(config)


def test_lease_that_is_kept_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with _held_elsewhere(path) as holder, pytest.raises(LeaseTaken, match=f"process {holder.pid} has been writing"):
        stream(Config(warehouse=Warehouse(path=str(path))), retry_seconds=0)


def test_lease_is_wanted_while_somebody_waits(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with open_writer(path):
        assert not is_wanted(path)
        with _waiting_elsewhere(path):
            _until_wanted(path)
    assert not is_wanted(path)


def _held_elsewhere(path: Path) -> _Child:
    return _Child("with open_writer(sys.argv[1]): print('holds', flush=True); sys.stdin.read()", path, "holds")


def _waiting_elsewhere(path: Path) -> _Child:
    return _Child("print('waits', flush=True)\nwith open_writer(sys.argv[1]): pass", path, "waits")


def _until_wanted(path: Path) -> None:
    for _ in range(1000):
        if is_wanted(path):
            return
        threading.Event().wait(0.01)
    pytest.fail("nobody came to the turnstile within 10 s")


class _Child:
    """A Python process that runs some lines; it ends when its input does."""

    def __init__(self, lines: str, path: Path, first_word: str) -> None:
        code = f"import sys\nfrom warehouse.connection import open_writer\n{lines}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == first_word

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)
