"""Say what is different between a locked run and a later one, or now: per deal the credits that changed, and why."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pyarrow as pa

from nisba.config import Config
from nisba.errors import ConfigError
from warehouse.locks.causes import Side, causes_of
from warehouse.locks.lock import need_attributed
from warehouse.locks.rows import KEY, current_truth, folded_truth
from warehouse.locks.runs import LockedPeriod, Run, find_run, locked_periods, read_runs, with_models
from warehouse.query import relations
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope

__all__ = ["NOW", "Change", "ChangedDeal", "Difference", "diff"]

NOW = "now"


@dataclass(frozen=True)
class Change:
    """A credit by its key, before and after; money in the reporting currency."""

    period: str | None
    """The locked period that it is dated in; None for what became, on later days, of a booking in one of them."""
    model: str
    deal_id: str
    touch_source: str | None
    touch_id: str | None
    entry: str
    booked_on: dt.date
    run_booked_on: dt.date
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class ChangedDeal:
    """A deal with other credits than before."""

    deal_id: str
    causes: tuple[str, ...]
    """In the order of `causes.CAUSES`."""
    changes: tuple[Change, ...]

    def in_periods(self, model: str) -> tuple[Decimal, Decimal]:
        """Return what the deal's touches gained in the locked periods by a model, and what they lost, which is negative."""
        changes = [change.after - change.before for change in self.changes if change.model == model and change.period is not None]
        return sum((by for by in changes if by > 0), Decimal(0)), sum((by for by in changes if by < 0), Decimal(0))

    def on_later_days(self, model: str) -> Decimal:
        """Return what the credits of the bookings came to on later days, beyond what they had."""
        changes = (change.after - change.before for change in self.changes if change.model == model and change.period is None)
        return sum(changes, Decimal(0))


@dataclass(frozen=True)
class Difference:
    """What changed in the periods that were locked at the first run."""

    first: str
    second: str
    """A run, or `now`."""
    periods: tuple[str, ...]
    models: tuple[str, ...]
    """Models whose credits are locked in one of them."""
    currency: str
    deals: tuple[ChangedDeal, ...]


_LINES = "(SELECT line.*, run.run_no FROM locked.entry AS line JOIN locked.run AS run ON run.run_id = line.run_id)"
_CHANGES = """
    WITH said AS (
        SELECT {key}, revenue_reporting AS before, 0 AS after FROM {lines} WHERE run_no <= $1
        UNION ALL
        SELECT {key}, 0, revenue_reporting FROM ({locked_after}) WHERE list_contains($2, period)
        UNION ALL
        SELECT {key}, revenue_reporting, 0 FROM true_before WHERE period IS NULL
        UNION ALL
        SELECT {key}, 0, revenue_reporting FROM true_after WHERE period IS NULL
    ),

    summed AS (
        SELECT {key}, sum(before)::DECIMAL(38, 3) AS before, sum(after)::DECIMAL(38, 3) AS after FROM said GROUP BY {key}
    )

    SELECT * FROM summed WHERE before <> after
    ORDER BY deal_id, period NULLS LAST, model, booked_on, entry, touch_source, touch_id, run_booked_on
"""


def diff(con: duckdb.DuckDBPyConnection, config: Config, first_id: str, second_id: str = NOW) -> Difference:
    """Compare the periods that were locked at a run with what a later run, or the books now, say of them; nothing is written.

    What became of their bookings on later days is told beside it. Raises NotFound for an unknown run, ConfigError where the second is the
    older one, WarehouseError where facts wait for attribution.
    """
    runs = read_runs(con)
    first, second = find_run(runs, first_id), None if second_id == NOW else find_run(runs, second_id)
    if second is None:
        need_attributed(con, config)
    elif second.run_no < first.run_no:
        raise ConfigError(f"{second_id} is older than {first_id}: name the older run first.")
    periods, sides = locked_periods(runs[: first.run_no]), (_side(first), Side(config, None) if second is None else _side(second))
    changes = _changes(con, periods, sides, runs, first, second)
    why = causes_of(con, *sides, periods, list(changes), runs)
    deals = tuple(ChangedDeal(deal_id, why[deal_id], tuple(changed)) for deal_id, changed in changes.items())
    models = tuple(sorted({model for each in periods for model in each.models}))
    return Difference(first_id, second_id, tuple(each.period.name for each in periods), models, sides[1].config.reporting.currency, deals)


def _side(run: Run) -> Side:
    return Side(run.config, run.recorded_until, run.rules_edition)


def _changes(
    con: duckdb.DuckDBPyConnection,
    periods: Sequence[LockedPeriod],
    sides: tuple[Side, Side],
    runs: Sequence[Run],
    first: Run,
    second: Run | None,
) -> Mapping[str, list[Change]]:
    """Return the credits that changed, by deal: what was locked, set against what is locked later or true now."""
    before, after = (_true_at(con, side, periods, runs) for side in sides)
    locked_after = "FROM true_after" if second is None else f"FROM {_LINES} WHERE run_no <= {second.run_no}"
    select = _CHANGES.format(key=", ".join(KEY), lines=_LINES, locked_after=locked_after)
    found: defaultdict[str, list[Change]] = defaultdict(list)
    with relations(con, true_before=before, true_after=after):
        for row in con.execute(select, [first.run_no, [each.period.name for each in periods]]).fetchall():
            change = Change(*row)
            found[change.deal_id].append(change)
    return found


def _true_at(con: duckdb.DuckDBPyConnection, side: Side, periods: Sequence[LockedPeriod], runs: Sequence[Run]) -> pa.Table:
    """Return what was true of the periods, and became of their bookings, by what one side knew."""
    if side.until is None:
        return current_truth(con, side.config, periods, runs, later=True)
    config = with_models(side.config, {model for period in periods for model in period.models}, runs)
    return folded_truth(con, read_facts(con, Scope(everything=True), side.until), config, periods, later=True)
