"""Incentive statements: what a plan pays for a period that is locked for the first time, and takes back for earlier ones.

A row of a locked period belongs to the period in which its booking was made, where the plan has a statement of that one: what becomes of a
booking later belongs to the booking. A statement is written once and never changed; corrections are lines of the next one.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import msgspec
import pyarrow as pa

from nisba.agreements import Incentive
from nisba.attribution.facts import TEXT
from nisba.config import Config
from nisba.errors import ConfigError
from nisba.money import minor_digits
from warehouse.locks.incentives import UNASSIGNED, factor_of, parts, share_pct, worth
from warehouse.locks.runs import Run
from warehouse.query import relations

__all__ = ["BELONGING", "Stated", "Statement", "StatementLine", "make_statements", "need_unchanged_plans", "stated_periods", "stated_table"]

ZERO = Decimal(0)
_FACTOR = Decimal("1e-12")
"""What `locked.statement.factor` can hold."""
_STATED = pa.schema([("period", TEXT), ("period_start", pa.date32()), ("period_end", pa.date32())])

BELONGING = """
    SELECT coalesce(booked.period, dated.period) AS belongs_to, run.run_no, line.*
    FROM locked.entry AS line
    JOIN locked.run AS run ON run.run_id = line.run_id
    LEFT JOIN stated AS booked ON line.run_booked_on BETWEEN booked.period_start AND booked.period_end
    LEFT JOIN stated AS dated ON dated.period = line.period
    WHERE line.model = $1 AND line.team = $2 AND run.run_no <= $3 AND belongs_to IS NOT NULL
"""
"""The rows that a plan's stated periods (`stated`) are paid on, and the period that each belongs to; $1 model, $2 team, $3 the last run."""


@dataclass(frozen=True)
class StatementLine:
    """What a payee gets for a period, or gives back."""

    period: str
    kind: str
    """earned or clawed_back."""
    payee: str
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """A row of `locked.statement`, and its lines."""

    statement_id: str
    plan_id: str
    run_id: str
    period: str
    base: Decimal
    share_pct: float
    factor: Decimal
    earned: Decimal
    clawed_back: Decimal
    carried_in: Decimal
    paid: Decimal
    carried_out: Decimal
    currency: str
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True)
class Stated:
    """A period that a plan has a statement of, with the factor that is kept for ever."""

    period: str
    start: dt.date
    end: dt.date
    factor: Decimal
    run_no: int


def stated_periods(con: duckdb.DuckDBPyConnection, plan_id: str, until_run: int) -> list[Stated]:
    """Return the periods that a plan has statements of, made by a run or those before it, in the order in which they were made."""
    rows = con.execute(
        """
        SELECT statement.period, run.period_start, run.period_end, statement.factor, run.run_no
        FROM locked.statement AS statement JOIN locked.run AS run ON run.run_id = statement.run_id
        WHERE statement.plan_id = ? AND run.run_no <= ? ORDER BY run.run_no
        """,
        [plan_id, until_run],
    )
    return [Stated(*row) for row in rows.fetchall()]


def need_unchanged_plans(con: duckdb.DuckDBPyConnection, config: Config, runs: Sequence[Run]) -> None:
    """Raise ConfigError where a plan is not what its statements were made by: what is paid for a period must not change behind them."""
    by_id = {run.run_id: run for run in runs}
    first = dict(
        con.execute("SELECT plan_id, arg_min(run_id, run_no) FROM locked.statement JOIN locked.run USING (run_id) GROUP BY 1").fetchall()
    )
    for plan in config.incentive:
        run = by_id.get(first.get(plan.id, ""))
        before = next((known for known in run.config.incentive if known.id == plan.id), plan) if run else plan
        changed = [name for name, value in msgspec.structs.asdict(plan).items() if value != getattr(before, name)]
        if run and changed:
            raise ConfigError(
                f"incentive {plan.id!r}: {', '.join(changed)} changed since {run.run_id}, whose statement it made: "
                "a plan that changes is a new id."
            )


def make_statements(con: duckdb.DuckDBPyConnection, config: Config, run: Run) -> list[Statement]:
    """Write the statements that a run makes, which locked its period for the first time: one for every plan of such periods."""
    made = [_statement(con, plan, run, config.reporting.currency) for plan in config.incentive if plan.period == run.period_kind]
    for statement in made:
        _write(con, statement)
    return made


def _statement(con: duckdb.DuckDBPyConnection, plan: Incentive, run: Run, currency: str) -> Statement:
    digits = minor_digits(currency)
    before = stated_periods(con, plan.id, run.run_no)
    share = share_pct(*_booked(con, plan, run))
    factor = factor_of(plan, share).quantize(_FACTOR)
    own = Stated(run.period, run.period_start, run.period_end, factor, run.run_no)
    credits = _credits(con, plan, [*before, own], run.run_no)
    brought = _brought(con, plan.id)
    lines: list[StatementLine] = []
    for stated in (own, *before):
        kind = "earned" if stated is own else "clawed_back"
        lines += _lines(plan, stated, credits[stated.period], brought[stated.period], kind, digits)
    earned, clawed_back = (_total(lines, kind) for kind in ("earned", "clawed_back"))
    carried_in = _carried_out(con, plan.id)
    payable = earned + clawed_back + carried_in
    return Statement(
        statement_id=f"{run.period}/{plan.id}",
        plan_id=plan.id,
        run_id=run.run_id,
        period=run.period,
        base=sum(credits[run.period].values(), ZERO),
        share_pct=float(share),
        factor=factor,
        earned=earned,
        clawed_back=clawed_back,
        carried_in=carried_in,
        paid=max(ZERO, payable),
        carried_out=min(ZERO, payable),
        currency=currency,
        lines=tuple(lines),
    )


def _booked(con: duckdb.DuckDBPyConnection, plan: Incentive, run: Run) -> tuple[Decimal, Decimal]:
    """Return the bookings and rebookings of a run's period that are credited to the plan's team, and all of them."""
    row = con.execute(
        """
        SELECT coalesce(sum(revenue_reporting) FILTER (team = $4), 0), coalesce(sum(revenue_reporting), 0) FROM locked.entry
        WHERE run_id = $1 AND period = $2 AND model = $3 AND entry IN ('booking', 'rebooking')
        """,
        [run.run_id, run.period, plan.model, plan.team],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def stated_table(stated: Iterable[Stated]) -> pa.Table:
    """Return stated periods as the relation that `BELONGING` reads."""
    rows = [{"period": each.period, "period_start": each.start, "period_end": each.end} for each in stated]
    return pa.Table.from_pylist(rows, schema=_STATED)


def _credits(con: duckdb.DuckDBPyConnection, plan: Incentive, stated: Sequence[Stated], run_no: int) -> dict[str, dict[str, Decimal]]:
    """Return Σ credit of the rows that belong to each stated period, by payee; of fixed shares under no name."""
    payee = f"coalesce({plan.split_by}, '{UNASSIGNED}')" if isinstance(plan.split_by, str) else "''"
    summed = f"SELECT belongs_to, {payee} AS payee, sum(revenue_reporting) FROM ({BELONGING}) GROUP BY ALL"
    credits: dict[str, dict[str, Decimal]] = defaultdict(dict)
    with relations(con, stated=stated_table(stated)):
        for period, name, credit in con.execute(summed, [plan.model, plan.team, run_no]).fetchall():
            credits[period][name] = credit
    return credits


def _brought(con: duckdb.DuckDBPyConnection, plan_id: str) -> dict[str, dict[str, Decimal]]:
    """Return what each period has brought each payee so far, by all statements of a plan."""
    rows = con.execute(
        """
        SELECT line.period, line.payee, sum(line.amount)
        FROM locked.statement_line AS line JOIN locked.statement AS statement USING (statement_id)
        WHERE statement.plan_id = ? GROUP BY ALL
        """,
        [plan_id],
    )
    brought: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for period, payee, amount in rows.fetchall():
        brought[period][payee] = amount
    return brought


def _lines(
    plan: Incentive, stated: Stated, credits: Mapping[str, Decimal], brought: Mapping[str, Decimal], kind: str, digits: int
) -> list[StatementLine]:
    """Return what each payee's part of a period's worth is now, beyond what the period has brought them; by name."""
    amount = worth(plan, stated.factor, sum(credits.values(), ZERO), digits)
    now = parts(amount, credits if isinstance(plan.split_by, str) else plan.split_by, digits)
    changes = {name: now.get(name, ZERO) - brought.get(name, ZERO) for name in sorted({*now, *brought})}
    return [StatementLine(stated.period, kind, name, change) for name, change in changes.items() if change]


def _total(lines: Iterable[StatementLine], kind: str) -> Decimal:
    return sum((line.amount for line in lines if line.kind == kind), ZERO)


def _carried_out(con: duckdb.DuckDBPyConnection, plan_id: str) -> Decimal:
    """Return what the plan's latest statement could not take back."""
    rows = con.execute(
        """
        SELECT statement.carried_out FROM locked.statement AS statement JOIN locked.run AS run USING (run_id)
        WHERE statement.plan_id = ? ORDER BY run.run_no DESC LIMIT 1
        """,
        [plan_id],
    ).fetchall()
    return rows[0][0] if rows else ZERO


def _write(con: duckdb.DuckDBPyConnection, statement: Statement) -> None:
    about = {name: value for name, value in vars(statement).items() if name != "lines"}
    con.execute(f"INSERT INTO locked.statement ({', '.join(about)}) VALUES ({', '.join('?' for _ in about)})", list(about.values()))
    for number, line in enumerate(statement.lines, start=1):
        values = [statement.statement_id, number, line.period, line.kind, line.payee, line.amount]
        con.execute("INSERT INTO locked.statement_line VALUES (?, ?, ?, ?, ?, ?)", values)
