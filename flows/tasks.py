"""The steps of the flows: each opens what it needs, calls one function of another layer, and closes it again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact

from nisba.config import load_config
from nisba.errors import CheckFailed, ConfigError, TooManyDeadLetters

__all__ = ["attribute", "build_marts", "check", "ingest", "prepare", "promote", "report", "verify"]

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
def ingest(config_file: str | None) -> dict[str, Any]:
    """Land what Kafka has, exactly once; too many dead letters stop it."""
    from pipelines.broker.log_source import LogSource
    from pipelines.broker.outbox import publish_letters
    from pipelines.dead_letters import Refusals
    from pipelines.ingest import ingest as run
    from warehouse.connection import open_writer

    config = load_config(config_file)
    with open_writer(config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        found = run(con, LogSource(config.kafka), config, refusals=Refusals(config.kafka.dead_letter_limit_pct))
        publish_letters(con, config)
    return asdict(found)


@task(**_TWICE_MORE)
def attribute(config_file: str | None) -> dict[str, Any]:
    """Recompute the books of whatever is dirty."""
    from pipelines.attribute import attribute as run
    from warehouse.connection import open_writer

    config = load_config(config_file)
    with open_writer(config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        return asdict(run(con, config))


@task(**_TWICE_MORE)
def build_marts(config_file: str | None) -> list[str]:
    """Build the marts."""
    from warehouse.connection import open_writer
    from warehouse.models.build import build

    with open_writer(load_config(config_file).warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        return list(build(con))


@task(**_TWICE_MORE)
def prepare(config_file: str | None) -> str:
    """Write the candidate of the next snapshot."""
    from warehouse.connection import open_writer
    from warehouse.models.publication import prepare as run

    config = load_config(config_file)
    with open_writer(config.warehouse.path, wait_seconds=LEASE_SECONDS) as con:
        return str(run(con, config))


@task
def check(candidate: str) -> int:
    """Check the candidate; a failing critical expectation ends the flow here."""
    from expectations.run import check as run

    return len(run(Path(candidate)).results)


@task
def promote(config_file: str | None, candidate: str) -> str:
    """Make the checked candidate the current snapshot."""
    from warehouse.models.publication import promote as run

    return str(run(Path(candidate), load_config(config_file)))


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
