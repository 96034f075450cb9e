"""`nisba stream` in a process of its own, to be killed at any moment; and one-shot backfills to compare its books with."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from nisba.config import Config, load_config
from pipelines.backfill import backfill
from tests.kafka_records import book_hashes, ledger_hashes, until, write_settings

ROOT = Path(__file__).resolve().parent.parent


class StreamingProcess:
    """A running `nisba stream`; its cycles are in `log`."""

    def __init__(self, settings: Path, log: Path, *options: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "nisba", "stream", "--config", str(settings), *options]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(30) == -signal.SIGKILL

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns its code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    @property
    def records(self) -> int:
        """How many records its cycles have landed, by its own words."""
        return sum(int(count.replace(",", "")) for count in re.findall(r"cycle \d+: ([\d,]+) records", self.log.read_text("utf-8")))

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait for a condition while the process lives."""

        def holds() -> object:
            assert self.process.poll() is None, self.log.read_text()
            return condition()

        until(holds, seconds)


@contextmanager
def streaming(settings: Path, log: Path, *options: str) -> Iterator[StreamingProcess]:
    """Run `nisba stream` for the length of the block; it is gone afterwards, whatever happened."""
    running = StreamingProcess(settings, log, *options)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(30)


def settled(config: Config, file: Path) -> tuple[Config, Path]:
    """Write the settings file of a configuration; returns the configuration as a command reads it, and the file."""
    settings = write_settings(config, file)
    return load_config(settings, environment={}), settings


def caught_up(settings: Path, log: Path, seconds: float = 180.0) -> str:
    """Run `nisba stream --until-caught-up` to its end; returns what it said."""
    with streaming(settings, log, "--until-caught-up") as running:
        assert running.process.wait(seconds) == 0, log.read_text()
    return log.read_text()


def is_writing(config: Config, process: StreamingProcess) -> bool:
    """Tell whether the process has taken the writer's lease."""
    holder = Path(f"{config.warehouse.path}.writer")
    return holder.exists() and holder.read_text("ascii").strip() == str(process.process.pid)


def at_a_random_moment(chance: random.Random, longest: float) -> Callable[[], bool]:
    """Return a condition that comes true within `longest` seconds, whatever the process does then."""
    moment = time.monotonic() + chance.uniform(0, longest)
    return lambda: time.monotonic() >= moment


def inside_a_commit(config: Config) -> Callable[[], bool]:
    """Return a condition that comes true when the write-ahead log grows: a commit is being written at that moment."""
    log = Path(f"{config.warehouse.path}.wal")

    def size() -> int:
        try:
            return log.stat().st_size
        except FileNotFoundError:
            return 0

    before = size()

    def grows() -> bool:
        nonlocal before
        now, before = size(), before
        grown = now > before
        before = now
        return grown

    return grows


def backfilled(config: Config, directory: Path, warehouse: Path) -> Config:
    """Read a directory in one go, and return the configuration of the warehouse that it went into."""
    config = msgspec.structs.replace(config, warehouse=msgspec.structs.replace(config.warehouse, path=str(warehouse)))
    backfill(directory, config)
    return config


def assert_same_books(left: Config, right: Config) -> None:
    """Compare every fact, every row of the books and every figure of two warehouses."""
    assert ledger_hashes(left) == ledger_hashes(right)
    books, others = book_hashes(left), book_hashes(right)
    assert {name for name in books if books[name] != others.get(name)} == set()
    assert books.keys() == others.keys()
    assert {name for name, (count, _) in books.items() if count} >= {"core.deal", "core.entry", "core.credit_line", "marts.campaign_roi"}
