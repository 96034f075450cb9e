"""Lock a period: freeze its credits, write down what changed in the periods locked before, and pay on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from nisba.attribution import RULES_EDITION
from nisba.attribution.models import selected_models
from nisba.config import Config, config_hash
from nisba.errors import WarehouseError
from warehouse.loader import recording_time
from warehouse.locks.ledger_cut import cut_off
from warehouse.locks.periods import Period, end_of, period_named
from warehouse.locks.rows import COLUMNS, content_hash, current_truth, rows_of_run
from warehouse.locks.runs import LockedPeriod, Run, find_run, kept_configuration, locked_periods, read_runs
from warehouse.locks.statements import make_statements, need_unchanged_plans
from warehouse.query import relations, transaction
from warehouse.recompute.scope import plan_scope
from warehouse.settings import latest_event

__all__ = ["Locked", "lock", "need_attributed"]


@dataclass(frozen=True)
class Locked:
    """What a lock wrote."""

    run: Run
    locked: int
    """Rows of the period, where it was locked for the first time."""
    adjusted: int
    """Rows of changes in periods that were locked before."""
    statements: tuple[str, ...]
    """Ids of the incentive statements that were made."""


def lock(con: duckdb.DuckDBPyConnection, config: Config, period: str) -> Locked:
    """Lock a month, quarter or year, in one transaction; a period that is locked already is adjusted alone.

    Raises ConfigError for what is no period and for an incentive plan that changed without a new id, WarehouseError where the period has
    not ended, shares a day with another locked one or its name with one of other days, or facts wait for attribution; nothing is written
    then.
    """
    need_attributed(con, config)
    runs = read_runs(con)
    wanted = period_named(period, config.reporting.fiscal_year_start_month)
    as_of = config.reporting.as_of or latest_event(con)
    _need_same_days(wanted, runs)
    _need_apart(wanted, runs)
    _need_ended(wanted, as_of, config)
    need_unchanged_plans(con, config, runs)
    is_first = wanted.name not in {run.period for run in runs}
    models = tuple(model.id for model in selected_models(config))
    periods = [*locked_periods(runs), *([LockedPeriod(wanted, models)] if is_first else [])]
    with transaction(con):
        truth = current_truth(con, config, periods, runs)
        rows = rows_of_run(con, truth, len(runs) + 1, wanted.name if is_first else None)
        run = _write_run(con, config, wanted, runs, rows, is_first=is_first, as_of=as_of)
        statements = make_statements(con, config, run) if is_first else []
    locked = pc.sum(pc.equal(rows["kind"], "locked")).as_py() or 0
    return Locked(run, locked, len(rows) - locked, tuple(statement.statement_id for statement in statements))


def need_attributed(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Raise WarehouseError where the books are behind the ledger or the configuration."""
    if plan_scope(con, config) is not None:
        raise WarehouseError("facts, a changed configuration or other rules wait for attribution: run `nisba attribute` first.")


def _need_same_days(wanted: Period, runs: Sequence[Run]) -> None:
    """Refuse a name that meant other days when it was locked: the fiscal year began with another month then."""
    for run in runs:
        if run.is_first and run.period == wanted.name and run.days != wanted:
            raise WarehouseError(
                f"{wanted.name} is {wanted.start} to {wanted.end} now, and was {run.period_start} to {run.period_end} when {run.run_id} "
                "locked it: the name stays with those days, and any other lock writes down what changed in them; "
                "lock the days that it means now month by month."
            )


def _need_apart(wanted: Period, runs: Sequence[Run]) -> None:
    """Refuse a period that has a day in common with a locked one other than itself: no credit may be locked twice."""
    for run in runs:
        if run.days.shares_a_day(wanted) and run.days != wanted:
            days = f"{run.period_start} to {run.period_end}"
            raise WarehouseError(
                f"{wanted.name} ({wanted.start} to {wanted.end}) shares days with {run.period} ({days}), which {run.run_id} locked: "
                f"a day is locked in one period alone; `nisba lock {run.period}` locks what changed in it."
            )


def _need_ended(wanted: Period, as_of: dt.datetime | None, config: Config) -> None:
    if as_of is None:
        raise WarehouseError(
            f"{wanted.name} cannot be locked: no event of a deal or a lead says that it has ended; land some, or set [reporting] as_of."
        )
    if as_of < end_of(wanted, config.reporting.time_zone):
        known = "[reporting] as_of is" if config.reporting.as_of else "the latest event of a deal or a lead is of"
        raise WarehouseError(
            f"{wanted.name} has not ended: its last day is {wanted.end}, {known} {as_of.isoformat()}; "
            "lock it when later events are there, or set [reporting] as_of to a later instant."
        )


def _write_run(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    period: Period,
    runs: Sequence[Run],
    rows: pa.Table,
    *,
    is_first: bool,
    as_of: dt.datetime | None,
) -> Run:
    """Insert the rows and the run that they are of, and return the run."""
    run_id = f"{period.name}-{1 + sum(run.period == period.name for run in runs)}"
    with relations(con, made=rows):
        con.execute(f"INSERT INTO locked.entry BY NAME SELECT $1 AS run_id, {', '.join(COLUMNS)} FROM made", [run_id])
    cut = cut_off(con)
    about: dict[str, Any] = {
        "run_id": run_id,
        "run_no": len(runs) + 1,
        "locked_at": recording_time(con),
        "period_kind": period.kind,
        "period": period.name,
        "period_start": period.start,
        "period_end": period.end,
        "is_first": is_first,
        "as_of": as_of,
        "config_hash": config_hash(config),
        "models": [model.id for model in selected_models(config)],
        "code_version": version("nisba"),
        "rules_edition": RULES_EDITION,
        "reporting_currency": config.reporting.currency,
        "ledger_cutoff": cut.positions,
        "recorded_until": cut.recorded_until,
        "entries": len(rows),
        "content_hash": content_hash(con, rows),
        "configuration": kept_configuration(config),
    }
    con.execute(f"INSERT INTO locked.run ({', '.join(about)}) VALUES ({', '.join('?' for _ in about)})", list(about.values()))
    return find_run(read_runs(con), run_id)
