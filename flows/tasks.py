"""The steps of the flows: each opens what it needs, calls one function of another layer, and closes it again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact

from nisba.config import load_config
from nisba.errors import CheckFailed, ConfigError, TooManyDeadLetters

__all__ = ["catch_up", "publish", "pull", "report", "verify"]

LEASE_SECONDS = 300.0
"""How long a flow waits for the stream's cycle to end."""


def _worth_another_try(task_: Any, run: Any, state: Any) -> bool:
    """Try again what may pass: a broker that restarts, a lease. A failed check, a wrong key or a drained topic fails every time."""
    try:
        state.result()
    except (CheckFailed, ConfigError, TooManyDeadLetters):
        return False
    except Exception:
        return True
    return False


_TWICE_MORE: dict[str, Any] = {"retries": 2, "retry_delay_seconds": [2, 10], "retry_condition_fn": _worth_another_try}


@task(**_TWICE_MORE)
def pull(config_file: str | None) -> dict[str, int]:
    """Read the firm's own sources, where the configuration names any, and send their events to Kafka; return the events of each."""
    from flows.pull import pull as run

    return {one.section: one.events for one in run(load_config(config_file), on_source=print)}


@task(**_TWICE_MORE)
def catch_up(config_file: str | None) -> dict[str, Any]:
    """Land what Kafka has, exactly once; attribute what is dirty; publish dead letters; build the marts."""
    from pipelines.broker.log_source import LogSource
    from pipelines.catch_up import catch_up as run
    from pipelines.catch_up import progress_text
    from pipelines.circuit_breaker import CircuitBreaker
    from warehouse.connection import open_writer

    config = load_config(config_file)
    with open_writer(config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        done = run(
            con,
            LogSource(config.kafka),
            config,
            outbox=True,
            breaker=CircuitBreaker(config.kafka.dead_letter_limit_pct),
            on_step=lambda step, read: print(progress_text(step, read)),  # noqa: T201  Prefect's log
        )
    return asdict(done)


@task(**_TWICE_MORE)
def publish(config_file: str | None) -> str:
    """Write a candidate of the next snapshot, check it, and make it the current one; whatever fails, the last good one stays."""
    from expectations.publish import publish as run

    return str(run(load_config(config_file), wait_seconds=LEASE_SECONDS).snapshot)


@task
def report(snapshot: str) -> str:
    """Put the ROI table and marketing's share, beside the target, where Prefect shows it."""
    from reports.render.markdown import report_page
    from reports.render.sentences import summary
    from reports.values import read_checks, read_report
    from reports.words import words
    from warehouse.connection import open_reader

    with open_reader(snapshot) as con:
        found, checks = read_report(con), read_checks(con)
    said = summary(found, words())
    create_markdown_artifact(report_page(found, checks, words()), key="nisba-report", description=said)
    return said


@task
def verify(config_file: str | None) -> int:
    """Recompute a sample of accounts from the ledger; a difference fails the flow."""
    from warehouse.connection import open_writer
    from warehouse.recompute.verification import verify as run

    config = load_config(config_file)
    with open_writer(config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        found = run(con, config, fast=True)
    if found.differing:
        raise CheckFailed(f"{found.differing:,} rows differ between the books and the ledger, such as {found.differences[0]}.")
    return sum(found.rows.values())
