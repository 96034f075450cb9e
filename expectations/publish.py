"""Publish a snapshot: prepare, check, promote. One publisher at a time, and whatever fails, the last good version stays.

The writer's lease is held only while the candidate is written: checks take seconds in which the stream goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from expectations.run import CheckReport, check
from nisba.config import Config
from warehouse.connection import open_writer
from warehouse.models.publication import discard, one_publisher, prepare, promote

__all__ = ["WAIT_SECONDS", "Published", "check_next", "publish"]

WAIT_SECONDS = 30.0
"""How long to wait for another publisher, and for the writer's lease."""

Told = Callable[[str], object]
"""Whoever wants to know which step begins."""


@dataclass(frozen=True)
class Published:
    """A snapshot that readers now get, and what was checked before."""

    snapshot: Path
    report: CheckReport


def publish(config: Config, *, wait_seconds: float = WAIT_SECONDS, tell: Told | None = None) -> Published:
    """Publish the next snapshot of the warehouse.

    Raises CheckFailed when a critical expectation fails, WarehouseError for a warehouse that was never built, LeaseTaken when another
    process writes or publishes for longer than `wait_seconds`. In each case nothing is published, and no candidate stays behind.
    """
    with _candidate(config, wait_seconds, tell) as candidate:
        report = check(candidate)
        return Published(promote(candidate, config), report)


def check_next(config: Config, *, wait_seconds: float = WAIT_SECONDS, tell: Told | None = None) -> CheckReport:
    """Check what would be published next, and publish nothing; raises as `publish` does."""
    with _candidate(config, wait_seconds, tell) as candidate:
        return check(candidate)


@contextmanager
def _candidate(config: Config, wait_seconds: float, tell: Told | None) -> Iterator[Path]:
    """Write a candidate to check, alone in the published folder, and leave none behind."""
    say = tell or (lambda step: None)
    with one_publisher(config, wait_seconds=wait_seconds):
        say("Preparing a candidate …")
        with open_writer(config.warehouse.path, wait_seconds=wait_seconds) as con:
            candidate = prepare(con, config)
        try:
            say("Checking …")
            yield candidate
        finally:
            discard(candidate)
