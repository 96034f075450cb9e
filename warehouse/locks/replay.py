"""Make a locked run again, from the ledger as it was: the proof that what was locked followed from the facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.locks.rows import COLUMNS, content_hash, folded_truth, rows_of_run
from warehouse.locks.runs import Run, find_run, locked_periods, read_runs, with_models
from warehouse.query import relations, rows_as_dicts
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope

__all__ = ["Replayed", "replay"]

SHOWN = 20


@dataclass(frozen=True)
class Replayed:
    """What making a run again came to."""

    run: Run
    entries: int
    content_hash: str
    differences: list[dict[str, Any]]
    """The first rows that only one side has; `side` is `locked` or `replayed`. None where the hashes are equal."""

    @property
    def is_same(self) -> bool:
        """Tell whether the rows are those that were locked."""
        return self.content_hash == self.run.content_hash


def replay(con: duckdb.DuckDBPyConnection, run_id: str) -> Replayed:
    """Compute a run's rows anew: from the facts before its cut-off, by the configuration that it kept. Raises NotFound for an unknown run.

    What came later is not read, and no table is written. The rows of earlier runs, which adjustments are set against, are taken as locked:
    each of them can be replayed for itself.
    """
    runs = read_runs(con)
    run = find_run(runs, run_id)
    known = runs[: run.run_no]
    periods = locked_periods(known)
    config = with_models(run.config, {model for period in periods for model in period.models}, known)
    facts = read_facts(con, Scope(everything=True), run.recorded_until)
    truth = folded_truth(con, facts, config, periods)
    rows = rows_of_run(con, truth, run.run_no, run.period if run.is_first else None)
    made = content_hash(con, rows)
    return Replayed(run, len(rows), made, [] if made == run.content_hash else _differences(con, run, rows))


def _differences(con: duckdb.DuckDBPyConnection, run: Run, rows: Any) -> list[dict[str, Any]]:
    columns = ", ".join(COLUMNS)
    locked = f"(SELECT {columns} FROM locked.entry WHERE run_id = '{run.run_id}')"
    sides = {"locked": f"FROM {locked} EXCEPT ALL FROM made", "replayed": f"FROM made EXCEPT ALL FROM {locked}"}
    both = " UNION ALL ".join(f"SELECT '{side}' AS side, * FROM ({select})" for side, select in sides.items())
    with relations(con, made=rows.select(COLUMNS)):
        return rows_as_dicts(con, f"{both} ORDER BY ALL LIMIT {SHOWN}")
