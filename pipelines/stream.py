"""Stream: cycles over Kafka, each of them one catching up, until there is nothing left or for ever.

A cycle reads what there is, so it grows with the load and nothing has to be tuned. Whatever ends the process, and wherever, the
warehouse says where the next one goes on: offsets commit with their facts, and what was not attributed is still marked dirty.

The writer's lease is kept from cycle to cycle, because opening and closing the warehouse takes 35 ms; it is given up when another
process waits for it, and while there is nothing to do.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from nisba.config import Config
from nisba.errors import LeaseTaken
from pipelines.attribute import AttributeReport
from pipelines.broker.log_source import LogSource
from pipelines.broker.retry import Backoff
from pipelines.catch_up import CatchUp, Pace, Step, Throttle, catch_up
from pipelines.circuit_breaker import CircuitBreaker
from pipelines.ingest import IngestReport
from pipelines.sources import Committed
from warehouse.connection import is_wanted, open_writer, writer_lease
from warehouse.loader import committed_offsets
from warehouse.models.build import BY_CYCLE, build_what_is_behind

if TYPE_CHECKING:
    import duckdb

__all__ = ["Cycle", "stop_on_signals", "stream"]

CYCLE_SECONDS = 0.25
"""Cycles begin no closer together than this: a trickle of events does not keep a core busy."""

LEASE_SECONDS = 5.0
"""One try to get the lease; there are many, and a signal is heard between them."""

RETRY_SECONDS = 600.0
"""Without a successful cycle for so long the stream ends, with the error that kept it from working."""

MARTS_SHARE, OUTBOX_SHARE = 0.1, 0.05
"""Parts of the time that may go into building marts and into publishing dead letters while records keep coming: the books go first."""


@dataclass(frozen=True)
class Cycle:
    """One cycle: what it did, and the seconds that it took.

    >>> read = IngestReport(records=1200, facts=1190, duplicates=7, dead_letters=3)
    >>> print(Cycle(7, CatchUp(read, AttributeReport(accounts=40, deals=55, credits=990)), seconds=0.31))
    cycle 7: 1,200 records, 1,190 facts, 7 duplicates, 3 dead letters; 40 accounts, 55 deals, 990 credits; 0.31 s
    >>> everything = AttributeReport(everything=True, deals=55, credits=990)
    >>> print(Cycle(8, CatchUp(attributed=everything, built=("marts.channel_roi",)), seconds=0.52))
    cycle 8: all accounts, 55 deals, 990 credits; marts built; 0.52 s
    """

    number: int
    done: CatchUp
    seconds: float = 0.0

    @property
    def read(self) -> IngestReport:
        return self.done.read

    @property
    def attributed(self) -> AttributeReport:
        return self.done.attributed

    def __str__(self) -> str:
        read = _counts(self.read, "records", "facts", "duplicates", "conflicts", "dead_letters")
        everything = self.attributed.everything
        counted = _counts(self.attributed, *([] if everything else ["accounts"]), "deals", "credits")
        attributed = _joined("all accounts" if everything else "", counted)
        marts = "marts built" if self.done.built else ""
        return f"cycle {self.number}: " + "; ".join([*filter(None, (read, attributed, marts)), f"{self.seconds:.2f} s"])


def _counts(report: object, *names: str) -> str:
    return _joined(*(f"{getattr(report, name):,} {name.replace('_', ' ')}" for name in names if getattr(report, name)))


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def stream(
    config: Config,
    *,
    until: Literal["caught_up", "forever"] = "forever",
    on_cycle: Callable[[Cycle], None] = lambda cycle: None,
    skip_lost: bool = False,
    stop: threading.Event | None = None,
    retry_seconds: float = RETRY_SECONDS,
) -> int:
    """Read Kafka into the warehouse and keep the books up to date; return the number of cycles.

    `caught_up` ends when nothing is left to read and nothing is dirty. `stop`, once set, ends it after the running cycle.
    A broker that restarts, a lease that is held and a lost race are tried again for `retry_seconds`; after that they are raised.
    Raises BrokerError, SourceError, TooManyDeadLetters, WarehouseError and CheckFailed; what is committed then stays.
    """
    stop = stop or threading.Event()
    backoff = Backoff(retry_seconds, stop)
    worker = _Worker(config, LogSource(config.kafka, skip_lost), backoff, stop, on_cycle)
    while not stop.is_set():
        is_caught_up = backoff.run(worker.take_turn)
        if is_caught_up and until == "caught_up":
            backoff.run(worker.build_what_is_behind)
            break
        if is_caught_up:
            backoff.run(worker.wait_for_work)
    return worker.cycles


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set; a second one does what it did before."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        restore()
        stop.set()

    for number in before:
        signal.signal(number, ask_to_stop)
    try:
        yield stop
    finally:
        restore()


@dataclass
class _Worker:
    """What lives as long as the stream."""

    config: Config
    source: LogSource
    backoff: Backoff
    stop: threading.Event
    on_cycle: Callable[[Cycle], None]
    cycles: int = 0
    committed: Committed = field(default_factory=dict)
    on_disk: _OnDisk | None = None
    pace: Pace = field(default_factory=lambda: Pace(Throttle(OUTBOX_SHARE), Throttle(MARTS_SHARE), builds=BY_CYCLE))
    breaker: CircuitBreaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = CircuitBreaker(self.config.kafka.dead_letter_limit_pct)

    def take_turn(self) -> bool:
        """Hold the lease and run cycles, until caught up (returns True), or somebody waits, or we are to stop."""
        with open_writer(self.config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
            is_caught_up = self._run_cycles(con)
        self.on_disk = _OnDisk.of(self.config.warehouse.path)
        return is_caught_up

    def build_what_is_behind(self) -> None:
        """Hold the lease and build the models that cycles leave alone."""
        with open_writer(self.config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
            build_what_is_behind(con, self.config)

    def _run_cycles(self, con: duckdb.DuckDBPyConnection) -> bool:
        while True:
            started = time.monotonic()
            done = self.cycle(con)
            if done.is_idle or self.is_to_leave():
                return done.is_idle
            self.stop.wait(started + CYCLE_SECONDS - time.monotonic())

    def cycle(self, con: duckdb.DuckDBPyConnection) -> CatchUp:
        """Run one cycle, and tell of it if it did anything."""
        started = time.monotonic()
        done = catch_up(
            con,
            self.source,
            self.config,
            outbox=True,
            breaker=self.breaker,
            pace=self.pace,
            on_step=self._note_progress,
            is_to_leave=self.is_to_leave,
        )
        self.committed = committed_offsets(con)
        if not done.is_empty:
            self.cycles += 1
            self.on_cycle(Cycle(self.cycles, done, time.monotonic() - started))
        return done

    def _note_progress(self, step: Step, read: IngestReport) -> None:
        """Count every landed round as a success: a long backlog may meet a broker that restarts more than once."""
        if step == "read":
            self.backoff.succeed()

    def is_to_leave(self) -> bool:
        """Tell whether to end, or to let somebody else write."""
        return self.stop.is_set() or is_wanted(self.config.warehouse.path)

    def wait_for_work(self) -> None:
        """Wait, without the lease, until there is something to read, or another process may have left something dirty."""
        while not self.stop.wait(CYCLE_SECONDS):
            if self.source.plan(self.committed) or self._has_another_written():
                return

    def _has_another_written(self) -> bool:
        """Tell whether another process has written since our turn, and is done."""
        if _OnDisk.of(self.config.warehouse.path) == self.on_disk:
            return False
        try:
            with writer_lease(self.config.warehouse.path, wait_seconds=0):
                return True
        except LeaseTaken:
            return False


@dataclass(frozen=True)
class _OnDisk:
    """When the warehouse and its write-ahead log were last written, and how large they are: opening and closing alone changes neither.

    Asked of the file system: to open the database file beside DuckDB would drop its lock.
    """

    files: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, path: str | Path) -> _OnDisk:
        found = []
        for file in (Path(path), Path(f"{path}.wal")):
            try:
                status = file.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime_ns, status.st_size))
        return cls(tuple(found))
