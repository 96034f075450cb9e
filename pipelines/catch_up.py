"""Catch up: from a source to figures that are up to date, as one operation, whoever runs it.

Ingest → attribute → outbox → build. Every part commits for itself and goes on from what is committed: a run that ends anywhere is
simply run again, by whatever process comes next.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from nisba.config import Config
from pipelines.attribute import AttributeReport, attribute
from pipelines.circuit_breaker import CircuitBreaker
from pipelines.ingest import IngestReport, ingest
from pipelines.sources import Source
from warehouse.models.build import EVERYTHING, build
from warehouse.query import one_value
from warehouse.settings import refresh_settings

if TYPE_CHECKING:
    import duckdb

__all__ = ["CatchUp", "OnStep", "Pace", "Step", "Throttle", "catch_up", "progress_text"]

Step: TypeAlias = Literal["read", "attribute", "outbox", "build"]
OnStep: TypeAlias = Callable[[Step, IngestReport], None]
"""Is told when a round was read, and when any other step begins; beside it, what has been read so far."""


@dataclass(frozen=True)
class CatchUp:
    """What one catching up did."""

    read: IngestReport = field(default_factory=IngestReport)
    attributed: AttributeReport = field(default_factory=AttributeReport)
    published: int = 0
    """Dead letters that are in their topics now."""
    built: tuple[str, ...] = ()
    """Tables and views of the marts."""

    @property
    def is_idle(self) -> bool:
        """Tell whether there was nothing to read and nothing to attribute."""
        return not self.read.rounds and self.attributed == AttributeReport()

    @property
    def is_empty(self) -> bool:
        """Tell whether no figure can have changed."""
        return self.is_idle and not self.built


@dataclass
class Throttle:
    """Gives work that may lag behind a share of the time while records keep coming, and all the time there is when they do not.

    >>> now = iter([100, 102, 119, 120])
    >>> throttle = Throttle(0.1, clock=lambda: next(now))
    >>> with throttle.timed():
    ...     pass
    >>> throttle.is_due(is_idle=False), throttle.is_due(is_idle=False), throttle.is_due(is_idle=True)
    (False, True, True)
    """

    share: float = 1.0
    clock: Callable[[], float] = time.monotonic
    next_at: float = -math.inf

    def is_due(self, *, is_idle: bool) -> bool:
        return is_idle or self.clock() >= self.next_at

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time the work of the block; the next is due when it has become a small enough part."""
        started = self.clock()
        yield
        ended = self.clock()
        self.next_at = ended + (ended - started) * (1 / self.share - 1)


@dataclass
class Pace:
    """When the parts that may lag behind the books are due. A stream keeps its own from cycle to cycle; a new one lets nothing wait."""

    outbox: Throttle = field(default_factory=Throttle)
    marts: Throttle = field(default_factory=Throttle)
    built_for: int | None = None
    """The attribution that the marts show; None: not known."""
    builds: Collection[str] = EVERYTHING
    """Which models: a stream's cycles build their own alone."""


def catch_up(
    con: duckdb.DuckDBPyConnection,
    source: Source | None,
    config: Config,
    *,
    everything: bool = False,
    outbox: bool = False,
    breaker: CircuitBreaker | None = None,
    pace: Pace | None = None,
    on_step: OnStep = lambda step, read: None,
    is_to_leave: Callable[[], bool] = lambda: False,
) -> CatchUp:
    """Read what a source has, attribute whatever is dirty, publish dead letters, build the marts; return what was done.

    Without a source only what is dirty already is attributed; `everything` attributes all there is, dirty or not. `outbox` is for records
    of Kafka: dead letters of files have no topic. Where `is_to_leave` says so between two rounds, everything else is left to the next
    run. Raises what the source raises, OffsetConflict, TooManyDeadLetters (with a circuit breaker), CheckFailed and BrokerError; what is
    committed then stays.
    """
    pace, read = pace or Pace(), IngestReport()
    if source is not None:
        read = ingest(con, source, config, breaker=breaker, on_round=lambda report: on_step("read", report), is_to_leave=is_to_leave)
    if read.is_cut_short:
        return CatchUp(read)
    on_step("attribute", read)
    done = CatchUp(read, attribute(con, config, everything=everything))
    published = 0
    if outbox and pace.outbox.is_due(is_idle=done.is_idle):
        on_step("outbox", read)
        published = _publish(con, config, pace)
    built: tuple[str, ...] = ()
    version = _latest_attribution(con)
    if version not in (None, pace.built_for) and pace.marts.is_due(is_idle=done.is_idle):
        on_step("build", read)
        built, pace.built_for = _build(con, config, pace), version
    return CatchUp(read, done.attributed, published, built)


def _publish(con: duckdb.DuckDBPyConnection, config: Config, pace: Pace) -> int:
    from pipelines.broker.outbox import publish_dead_letters  # files need no client of Kafka's

    with pace.outbox.timed():
        return publish_dead_letters(con, config)


def _build(con: duckdb.DuckDBPyConnection, config: Config, pace: Pace) -> tuple[str, ...]:
    with pace.marts.timed():
        if "flow" in pace.builds:
            refresh_settings(con, config)
        return build(con, pace.builds)


def _latest_attribution(con: duckdb.DuckDBPyConnection) -> int | None:
    """Return the number of the latest attribution, whichever process ran it."""
    latest: int | None = one_value(con, "SELECT max(cycle_no) FROM ops.cycle WHERE kind = 'attribute'")
    return latest


def progress_text(step: Step, read: IngestReport) -> str:
    """Say what goes on, for people who wait.

    >>> progress_text("read", IngestReport(records=1200))
    'Reading … 1,200 records'
    """
    texts: dict[Step, str] = {
        "read": f"Reading … {read.records:,} records",
        "attribute": f"Attributing {read.facts:,} new facts …" if read.facts else "Attributing …",
        "outbox": "Publishing dead letters …",
        "build": "Building the marts …",
    }
    return texts[step]
