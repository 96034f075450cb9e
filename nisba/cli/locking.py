"""Commands about closed periods: lock, diff, statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import msgspec

from nisba.cli.common import as_json, configured, emit, progress, show
from nisba.config import Config
from nisba.errors import CheckFailed, NotFound
from nisba.money import plain
from reports.words import words

if TYPE_CHECKING:
    import duckdb

    from warehouse.locks.explained import ExplainedStatement
    from warehouse.locks.replay import Replayed
    from warehouse.locks.runs import Run

__all__ = ["diff", "lock", "statement"]

CHANGES_SHOWN = 50
ENTRIES_SHOWN = 20


@click.command()
@click.argument("period", required=False)
@configured
@click.option("--replay", "run_id", metavar="RUN", help="Make this run again from the ledger as it was, and compare; locks nothing.")
@as_json
def lock(period: str | None, config: Config, run_id: str | None, as_json: bool) -> None:
    """Lock PERIOD, a month, quarter or year that has ended: freeze its credits, and write down what changed in periods locked before.

    A period that is locked already is adjusted alone. Incentive plans make their statements when a period is locked for the first time.
    Exit 1 where a run that is replayed comes out otherwise.

    \b
    Example:
      nisba lock 2026-Q1
      nisba lock --replay 2026-Q1-1
    """
    if (period is None) == (run_id is None):
        raise click.UsageError("name the PERIOD to lock, or the run to --replay.")
    if period is not None:
        _lock(config, period, as_json)
    elif run_id is not None:
        _replay(config, run_id, as_json)


def _lock(config: Config, period: str, as_json: bool) -> None:
    with progress("Opening the warehouse …") as update, _writer(config) as con:
        from warehouse.locks.lock import lock as run
        from warehouse.locks.runs import summary_of
        from warehouse.recompute.scope import plan_scope

        if plan_scope(con, config) is not None:
            from pipelines.catch_up import catch_up, progress_text

            catch_up(con, None, config, on_step=lambda step, read: update(progress_text(step, read)))
        update(f"Locking {period} …")
        locked = run(con, config, period)
        rows = summary_of(con, locked.run.run_id, config.attribution.default_model)
    if as_json:
        wrote = {"locked": locked.locked, "adjusted": locked.adjusted, "statements": list(locked.statements)}
        emit({**_about(locked.run), **wrote})
        return
    from reports.render.locked import locked_run

    show(locked_run(locked, rows, config.attribution.default_model, config.reporting.currency, words()))


def _about(run: Run) -> dict[str, Any]:
    about = asdict(run)
    del about["configuration"]
    return {**about, "ledger_cutoff": msgspec.json.decode(run.ledger_cutoff)}


def _replay(config: Config, run_id: str, as_json: bool) -> None:
    with progress("Opening the warehouse …") as update, _writer(config) as con:
        from warehouse.locks.replay import replay

        update(f"Replaying {run_id} from the ledger …")
        found = replay(con, run_id)
    if as_json:
        hashes = {"content_hash": found.run.content_hash, "replayed_hash": found.content_hash}
        emit({"run_id": run_id, "is_same": found.is_same, **hashes, "entries": found.entries, "differences": found.differences})
    else:
        from reports.render.locked import replayed_run

        show(replayed_run(found, words()))
    if not found.is_same:
        raise CheckFailed(_why_not_the_same(found))


def _why_not_the_same(found: Replayed) -> str:
    from nisba.attribution import RULES_EDITION

    run = found.run
    if run.rules_edition != RULES_EDITION:
        why = (
            f"it was locked by edition {run.rules_edition} of the rules, this version has edition {RULES_EDITION}: replay it with that one."
        )
        return f"{run.run_id} comes out otherwise: {why}"
    return f"{run.run_id} comes out otherwise though the rules are the same: rows of the ledger or of locked.entry were changed by hand."


@click.command()
@click.argument("run1")
@click.argument("run2", default="now")
@configured
@click.option("--model", help="A model's id, whose credits are added up. [default: the default model]")
@click.option("--all", "all_rows", is_flag=True, help="Every deal, not only the first ones.")
@as_json
def diff(run1: str, run2: str, config: Config, model: str | None, all_rows: bool, as_json: bool) -> None:
    """List the deals whose credits are others at RUN2, or now, than they were locked at RUN1, and why.

    It compares the periods that were locked at RUN1, and says beside it what became of their bookings on later days.

    \b
    Example:
      nisba diff 2026-Q1-1 2026-Q2-1
      nisba diff 2026-Q1-1 now --json
    """
    with progress("Opening the warehouse …") as update, _writer(config) as con:
        from warehouse.locks.diff import diff as run

        update(f"Comparing {run1} with {run2} …")
        found = run(con, config, run1, run2)
    chosen = model or config.attribution.default_model
    if chosen not in found.models and not (as_json and model is None):
        raise NotFound(f"no credit of {run1} is by the model {chosen!r}: --model takes one of {', '.join(found.models)}.")
    if as_json:
        emit(asdict(found))
        return
    from reports.render.locked import difference_page

    show(difference_page(found, chosen, words(), None if all_rows else CHANGES_SHOWN))


@click.command()
@click.argument("period")
@configured
@click.option("--plan", help="The plan's id. [default: the only one that has a statement of the period]")
@click.option("--all", "all_rows", is_flag=True, help="Every entry, not only the first ones.")
@as_json
def statement(period: str, config: Config, plan: str | None, all_rows: bool, as_json: bool) -> None:
    """Show what an incentive plan pays for PERIOD: each line down to its locked entries.

    \b
    Example:
      nisba statement 2026-Q1
      nisba statement 2026-Q1 --plan demand_2026 --json
    """
    with progress("Opening the warehouse …"), _writer(config) as con:
        from warehouse.locks.explained import explain_statement

        found = explain_statement(con, period, plan)
    if as_json:
        emit(_as_one(found))
        return
    from reports.render.locked import statement_page

    show(statement_page(found, words(), None if all_rows else ENTRIES_SHOWN))


def _as_one(found: ExplainedStatement) -> dict[str, Any]:
    """Return a statement with the plan that made it, and the lines with their entries."""
    about = {**asdict(found.statement), "factor": plain(found.statement.factor)}
    return {**about, "plan": msgspec.to_builtins(found.plan), "lines": list(map(asdict, found.lines))}


@contextmanager
def _writer(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse that is there, and hold the lease: whoever only reads waits for a turn between the cycles of a stream, too."""
    from warehouse.connection import need_warehouse, open_writer

    need_warehouse(config.warehouse.path)
    with open_writer(config.warehouse.path) as con:
        yield con
