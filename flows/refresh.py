"""The flows that keep the published figures fresh: each reads like a table of contents."""

from __future__ import annotations

from prefect import flow
from prefect.concurrency.sync import concurrency

from flows import tasks

__all__ = ["WRITER", "catch_up", "daily"]

WRITER = "nisba-writer"
"""Global concurrency limit: one flow at a time writes and publishes."""


@flow(name="catch_up", log_prints=True)
def catch_up(config_file: str | None = None) -> str:
    """Bring the published figures up to date with Kafka."""
    with concurrency(WRITER, occupy=1):
        tasks.catch_up(config_file)
        snapshot = tasks.publish(config_file)
    return tasks.report(snapshot)


@flow(name="daily", log_prints=True)
def daily(config_file: str | None = None) -> str:
    """Read the firm's own sources, bring the figures up to date, then prove a sample of them from the ledger."""
    tasks.pull(config_file)
    found = catch_up(config_file)
    with concurrency(WRITER, occupy=1):
        tasks.verify(config_file)
    return found
