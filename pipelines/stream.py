"""Stream: cycles over Kafka, each of them ingest → attribute → build, until caught up or for ever.

A cycle reads what there is, so it grows with the load and nothing has to be tuned. Whatever ends the process, and wherever, the
warehouse says where the next one goes on: offsets commit with their facts, and what was not attributed is still marked dirty.

The writer's lease is kept from cycle to cycle, because opening and closing the warehouse takes 35 ms; it is given up when another
process waits for it, and while there is nothing to read.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Literal

from nisba.config import Config
from pipelines.attribute import AttributeReport, attribute
from pipelines.broker.log_source import LogSource
from pipelines.broker.outbox import publish_letters
from pipelines.broker.retry import PASSING, Patience
from pipelines.dead_letters import Refusals
from pipelines.ingest import IngestReport, ingest
from pipelines.sources import Committed
from warehouse import loader
from warehouse.connection import is_wanted, open_writer
from warehouse.models.build import build

if TYPE_CHECKING:
    import duckdb

__all__ = ["Cycle", "stop_on_signals", "stream"]

CYCLE_SECONDS = 0.25
"""Cycles begin no closer together than this: a trickle of events does not keep a core busy."""

LEASE_SECONDS = 5.0
"""One try to get the lease; there are many, and a signal is heard between them."""

PATIENCE_SECONDS = 600.0
"""Without a successful cycle for so long the stream ends, with the error that kept it from working."""

MARTS_SHARE, LETTERS_SHARE = 0.1, 0.05
"""Parts of the time that may go into building marts and into publishing dead letters while records keep coming: the books go first."""


@dataclass(frozen=True)
class Cycle:
    """What one cycle did, and the seconds that it took.

    >>> read = IngestReport(records=1200, facts=1190, duplicates=7, dead_letters=3)
    >>> print(Cycle(7, read, AttributeReport(accounts=40, deals=55, credits=990), seconds=0.31))
    cycle 7: 1,200 records, 1,190 facts, 7 duplicates, 3 dead letters; 40 accounts, 55 deals, 990 credits; 0.31 s
    >>> print(Cycle(8, IngestReport(), AttributeReport(everything=True, deals=55, credits=990), marts=9, seconds=0.52))
    cycle 8: all accounts, 55 deals, 990 credits; marts built; 0.52 s
    """

    number: int
    read: IngestReport
    made: AttributeReport
    marts: int = 0
    """How many tables and views were built."""
    seconds: float = 0.0

    @property
    def is_idle(self) -> bool:
        """Tell whether there was nothing to read and nothing to attribute."""
        return not self.read.rounds and self.made == AttributeReport()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing at all was done."""
        return self.is_idle and not self.marts

    def __str__(self) -> str:
        parts = [_counts(self.read, "records", "facts", "duplicates", "conflicts", "dead_letters")]
        parts.append(_joined("all accounts" if self.made.everything else "", _counts(self.made, "accounts", "deals", "credits")))
        parts.append("marts built" if self.marts else "")
        return f"cycle {self.number}: " + "; ".join([*filter(None, parts), f"{self.seconds:.2f} s"])


def _counts(report: object, *names: str) -> str:
    return _joined(*(f"{getattr(report, name):,} {name.replace('_', ' ')}" for name in names if getattr(report, name)))


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def stream(
    config: Config,
    *,
    until: Literal["caught_up", "forever"] = "forever",
    on_cycle: Callable[[Cycle], None] | None = None,
    skip_lost: bool = False,
    stop: threading.Event | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> int:
    """Read Kafka into the warehouse and keep the books up to date; return the number of cycles.

    `caught_up` ends when nothing is left to read and nothing is dirty. `stop`, once set, ends it after the running cycle.
    A broker that restarts, a lease that is held and a lost race are borne with for `patience_seconds`; after that they are raised.
    Raises BrokerError, SourceError, TooManyDeadLetters, WarehouseError and CheckFailed; what is committed then stays.
    """
    patience = Patience(patience_seconds)
    worker = _Worker(config, LogSource(config.kafka, skip_lost), patience, stop or threading.Event(), on_cycle or (lambda cycle: None))
    while not worker.stop.is_set():
        try:
            is_caught_up = worker.take_turn()
            patience.succeed()
            if is_caught_up and until == "caught_up":
                break
            if is_caught_up:
                worker.wait_for_records()
        except PASSING as error:
            worker.stop.wait(patience.pause_after(error))
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
class _Leisure:
    """Gives work that may lag behind a part of the time while records keep coming, and all the time there is when they do not."""

    share: float
    next_at: float = 0.0

    def is_due(self, *, is_idle: bool) -> bool:
        return is_idle or time.monotonic() >= self.next_at

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Time the work of the block; the next is due when it has become a small enough part."""
        started = time.monotonic()
        yield
        ended = time.monotonic()
        self.next_at = ended + (ended - started) * (1 / self.share - 1)


@dataclass
class _Marts:
    """When to build the marts: whenever the books have changed, at leisure."""

    built_for: int | None = None
    """The attribution that the marts show; None: not known, which is the case after a start."""
    leisure: _Leisure = field(default_factory=lambda: _Leisure(MARTS_SHARE))

    def build_if_due(self, con: duckdb.DuckDBPyConnection, *, is_idle: bool) -> int:
        """Build them if they are due, and return how many."""
        version = _latest_attribution(con)
        if version in (None, self.built_for) or not self.leisure.is_due(is_idle=is_idle):
            return 0
        with self.leisure.spend():
            built = len(build(con))
        self.built_for = version
        return built


def _latest_attribution(con: duckdb.DuckDBPyConnection) -> int | None:
    """Return the number of the latest attribution, whichever process ran it."""
    row = con.execute("SELECT max(cycle_no) FROM ops.cycle WHERE kind = 'attribute'").fetchone()
    return row[0] if row else None


@dataclass
class _Worker:
    """What lives as long as the stream."""

    config: Config
    source: LogSource
    patience: Patience
    stop: threading.Event
    on_cycle: Callable[[Cycle], None]
    cycles: int = 0
    committed: Committed = field(default_factory=dict)
    marts: _Marts = field(default_factory=_Marts)
    letters: _Leisure = field(default_factory=lambda: _Leisure(LETTERS_SHARE))
    refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.config.kafka.dead_letter_limit_pct)

    def take_turn(self) -> bool:
        """Hold the lease and run cycles, until caught up (returns True), or somebody waits, or we are to stop."""
        with open_writer(self.config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
            while True:
                started = time.monotonic()
                cycle = self.cycle(con)
                if cycle.is_idle or self.is_to_leave():
                    return cycle.is_idle
                self.stop.wait(started + CYCLE_SECONDS - time.monotonic())

    def cycle(self, con: duckdb.DuckDBPyConnection) -> Cycle:
        """Run one cycle, and tell of it if it did anything."""
        started = time.monotonic()
        read = ingest(
            con, self.source, self.config, refusals=self.refusals, on_round=lambda _: self.patience.succeed(), is_to_leave=self.is_to_leave
        )
        self.committed = loader.committed_offsets(con)
        made = AttributeReport() if read.is_cut_short else attribute(con, self.config)
        is_idle = Cycle(0, read, made).is_idle
        marts = 0 if read.is_cut_short else self.marts.build_if_due(con, is_idle=is_idle)
        if self.letters.is_due(is_idle=is_idle):
            with self.letters.spend():
                publish_letters(con, self.config)
        cycle = Cycle(self.cycles + 1, read, made, marts, time.monotonic() - started)
        if not cycle.is_empty:
            self.cycles = cycle.number
            self.on_cycle(cycle)
        return cycle

    def is_to_leave(self) -> bool:
        """Tell whether to end, or to let somebody else write."""
        return self.stop.is_set() or is_wanted(self.config.warehouse.path)

    def wait_for_records(self) -> None:
        """Ask the broker, not the warehouse, until there is something to read."""
        while not self.stop.wait(CYCLE_SECONDS) and not self.source.plan(self.committed):
            pass
