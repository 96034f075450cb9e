"""The runs that there are, the periods that they locked, and the configuration that each was made by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property

import duckdb
import msgspec

from nisba.attribution.models import selected_models
from nisba.config import Config
from nisba.errors import NotFound
from warehouse.locks.periods import Period
from warehouse.query import rows_as_dicts

__all__ = ["LockedPeriod", "Run", "Summary", "find_run", "kept_configuration", "locked_periods", "read_runs", "summary_of", "with_models"]

_KEPT = ("reporting", "attribution", "labels", "marketing", "model", "incentive")
"""Sections that a run keeps: what the books and the statements follow from."""


@dataclass(frozen=True)
class Run:
    """A row of `locked.run`."""

    run_id: str
    run_no: int
    """Its place among all runs, from 1."""
    locked_at: dt.datetime
    period_kind: str
    period: str
    period_start: dt.date
    period_end: dt.date
    is_first: bool
    as_of: dt.datetime | None
    models: list[str]
    config_hash: str
    code_version: str
    rules_edition: int
    ledger_cutoff: str
    """JSON, see `ledger_cut.CutOff`."""
    recorded_until: dt.datetime
    entries: int
    content_hash: str
    configuration: str

    @cached_property
    def config(self) -> Config:
        """The configuration that the run was made by, as far as its rows and statements depend on it."""
        return msgspec.json.decode(self.configuration, type=Config, strict=False)

    @property
    def days(self) -> Period:
        """The locked period."""
        return Period(self.period_kind, self.period, self.period_start, self.period_end)  # type: ignore[arg-type]


@dataclass(frozen=True)
class LockedPeriod:
    """A locked period: its days and its models are those of its first lock, whatever the configuration says by now."""

    period: Period
    models: tuple[str, ...]


def read_runs(con: duckdb.DuckDBPyConnection) -> list[Run]:
    """Return all runs in the order in which they were made."""
    names = ", ".join(field.name for field in fields(Run))
    return [Run(**row) for row in rows_as_dicts(con, f"SELECT {names} FROM locked.run ORDER BY run_no")]


def find_run(runs: Sequence[Run], run_id: str) -> Run:
    """Return a run by its id; NotFound names those that there are."""
    for run in runs:
        if run.run_id == run_id:
            return run
    if not runs:
        raise NotFound(f"there is no run {run_id!r}: nothing is locked yet; `nisba lock PERIOD` locks a period.")
    raise NotFound(f"there is no run {run_id!r}; there are: {', '.join(run.run_id for run in runs)}.")


def locked_periods(runs: Iterable[Run]) -> list[LockedPeriod]:
    """Return the periods that runs locked, in the order of their first locks."""
    return [LockedPeriod(run.days, tuple(run.models)) for run in runs if run.is_first]


def kept_configuration(config: Config) -> str:
    """Return the sections that a run keeps, as JSON."""
    return msgspec.json.encode({name: getattr(config, name) for name in _KEPT}, order="deterministic").decode()


def with_models(config: Config, models: Iterable[str], runs: Sequence[Run]) -> Config:
    """Return a configuration that computes these models too; custom ones that it lacks are those of the latest run that had them.

    An id means one thing for ever: a model that is no longer configured still is what it was.
    """
    absent = set(models) - {model.id for model in selected_models(config)}
    if not absent:
        return config
    known = {model.id: model for run in runs for model in run.config.model}
    custom = tuple(known[model_id] for model_id in sorted(absent & known.keys()))
    built_in = (*config.attribution.models, *sorted(absent - known.keys()))
    attribution = msgspec.structs.replace(config.attribution, models=built_in)
    return msgspec.structs.replace(config, attribution=attribution, model=(*config.model, *custom))


@dataclass(frozen=True)
class Summary:
    """The rows that a run wrote of one period, by one model in the reporting currency."""

    period: str
    kind: str
    entries: int
    """Rows of all models."""
    deals: int
    revenue_reporting: Decimal


def summary_of(con: duckdb.DuckDBPyConnection, run_id: str, model: str) -> list[Summary]:
    """Return what a run wrote, by period: first the one that it locked, then the ones that it adjusted."""
    rows = con.execute(
        """
        SELECT period, kind, count(*), count(DISTINCT deal_id), coalesce(sum(revenue_reporting) FILTER (model = $2), 0)
        FROM locked.entry WHERE run_id = $1 GROUP BY ALL ORDER BY kind DESC, period
        """,
        [run_id, model],
    )
    return [Summary(*row) for row in rows.fetchall()]
