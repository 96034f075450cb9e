"""A statement as it was made, each line down to the locked entries that it rests on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from nisba.agreements import Incentive
from nisba.errors import ConfigError, NotFound
from warehouse.locks.incentives import UNASSIGNED
from warehouse.locks.runs import find_run, read_runs
from warehouse.locks.statements import BELONGING, Stated, Statement, StatementLine, stated_periods, stated_table
from warehouse.query import relations, rows_as_dicts

__all__ = ["ExplainedLine", "ExplainedStatement", "StatementEntry", "explain_statement"]


@dataclass(frozen=True)
class StatementEntry:
    """A row of `locked.entry` that a line rests on; money in the currency of the statement."""

    run_id: str
    is_new: bool
    """Locked since the plan's statement before."""
    period: str
    kind: str
    deal_id: str
    touch_source: str
    touch_id: str
    entry: str
    booked_on: dt.date
    run_booked_on: dt.date
    campaign_id: str | None
    owner: str
    """Who is paid for it by a plan that pays owners; of fixed shares, who owns the campaign."""
    revenue_reporting: Decimal


@dataclass(frozen=True)
class ExplainedLine:
    """A line, and all rows of its period that had been locked when the statement was made: of the payee, or, of a fixed share, of all."""

    period: str
    kind: str
    payee: str
    amount: Decimal
    entries: tuple[StatementEntry, ...]


@dataclass(frozen=True)
class ExplainedStatement:
    """A statement and the plan that made it."""

    statement: Statement
    plan: Incentive
    lines: tuple[ExplainedLine, ...]


def explain_statement(con: duckdb.DuckDBPyConnection, period: str, plan_id: str | None = None) -> ExplainedStatement:
    """Return the statement of a period by a plan, which need not be named where there is one alone.

    Raises NotFound where there is none, ConfigError where several plans have one and none is named.
    """
    statement = _statement(con, period, plan_id)
    run = find_run(read_runs(con), statement.run_id)
    (plan,) = [known for known in run.config.incentive if known.id == statement.plan_id]
    stated = stated_periods(con, plan.id, run.run_no)
    rows = _entries(con, plan, stated, run.run_no)
    lines = tuple(ExplainedLine(line.period, line.kind, line.payee, line.amount, _of_line(line, plan, rows)) for line in statement.lines)
    return ExplainedStatement(statement, plan, lines)


def _statement(con: duckdb.DuckDBPyConnection, period: str, plan_id: str | None) -> Statement:
    made = rows_as_dicts(con, "SELECT * FROM locked.statement ORDER BY period, plan_id")
    found = [row for row in made if row["period"] == period and plan_id in (None, row["plan_id"])]
    if not made:
        raise NotFound("no statement is made yet: name a plan in [[incentive]], then `nisba lock` a quarter that is not locked yet.")
    if not found:
        of_plan = f" by the plan {plan_id!r}" if plan_id else ""
        raise NotFound(f"there is no statement of {period!r}{of_plan}; there are: {', '.join(row['statement_id'] for row in made)}.")
    if len(found) > 1:
        plans = ", ".join(row["plan_id"] for row in found)
        raise ConfigError(f"several plans have a statement of {period}: {plans}; name one with --plan.")
    lines = con.execute(
        "SELECT period, kind, payee, amount FROM locked.statement_line WHERE statement_id = ? ORDER BY line_no", [found[0]["statement_id"]]
    )
    return Statement(**found[0], lines=tuple(StatementLine(*line) for line in lines.fetchall()))


_Belonging = tuple[str, StatementEntry]


def _entries(con: duckdb.DuckDBPyConnection, plan: Incentive, stated: list[Stated], run_no: int) -> list[_Belonging]:
    """Return the rows that belong to the plan's periods, each with the period it belongs to, in the order of their keys."""
    owner = plan.split_by if isinstance(plan.split_by, str) else "campaign_owner"
    before = max((each.run_no for each in stated if each.run_no < run_no), default=0)
    select = f"""
        SELECT belongs_to, run_id, run_no > $4, period, kind, deal_id, touch_source, touch_id, entry, booked_on, run_booked_on, campaign_id,
            coalesce({owner}, '{UNASSIGNED}'), revenue_reporting
        FROM ({BELONGING})
        ORDER BY deal_id, booked_on, entry, touch_source, touch_id, run_booked_on, run_no
    """
    with relations(con, stated=stated_table(stated)):
        rows = con.execute(select, [plan.model, plan.team, run_no, before]).fetchall()
    return [(belongs_to, StatementEntry(*row)) for belongs_to, *row in rows]


def _of_line(line: StatementLine, plan: Incentive, rows: list[_Belonging]) -> tuple[StatementEntry, ...]:
    by_owner = isinstance(plan.split_by, str)
    return tuple(row for period, row in rows if period == line.period and (not by_owner or row.owner == line.payee))
