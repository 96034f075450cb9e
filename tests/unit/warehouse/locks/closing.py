"""A small firm whose quarters are closed: two deals, two campaigns with owners, and what may happen to them afterwards."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from nisba.agreements import Incentive
from nisba.config import Attribution, Config, Reporting
from tests.oracle.statements import LockedRun, statements
from tests.strategies import Event, event
from tests.unit.warehouse.landing import attribute, deal, empty_warehouse, land_events, touch
from warehouse.locks.rows import KEY, current_truth
from warehouse.locks.runs import locked_periods, read_runs
from warehouse.query import rows_as_dicts

__all__ = [
    "AMOUNTS",
    "CONFIG",
    "FIRST",
    "PLAN",
    "add_up_to_the_truth",
    "as_the_oracle",
    "campaign",
    "changed",
    "closed_books",
    "lands",
    "refund",
    "rows_of",
    "state",
]

PLAN = Incentive(id="demand", model="linear", pool_pct=Decimal(1))
CONFIG = Config(
    attribution=Attribution(models=("linear", "first_touch"), default_model="linear"),
    reporting=Reporting(as_of=dt.datetime(2027, 1, 1, tzinfo=dt.timezone.utc)),
    incentive=(PLAN,),
)


def campaign(campaign_id: str, owner: str | None, time: str = "2026-01-01T00:00:00Z", **data: Any) -> Event:
    about = {"campaign_id": campaign_id, "name": campaign_id, "channel": "email", "owner": owner} | data
    return event("campaign", "ads", f"{campaign_id}/{time}", time, about)


def state(deal_id: str, time: str, status: str = "won", **data: Any) -> Event:
    """Return a state of a deal of acme; a won one closes when it is said."""
    closed = {"open": None}.get(status, time)
    fixed = {"deal_id": deal_id, "status": status, "stage": status, "closed_at": closed, "owner": f"rep of {deal_id}"}
    return deal(f"{deal_id}/{time}", **(fixed | data)) | {"time": time}


def refund(adjustment_id: str, deal_id: str, amount: str, time: str) -> Event:
    data = {"adjustment_id": adjustment_id, "deal_id": deal_id, "amount": amount, "currency": "USD", "effective_at": time}
    return event("adjustment", "erp", adjustment_id, time, data)


FIRST: tuple[Event, ...] = (
    campaign("spring", "Ada"),
    campaign("fair", "Bo"),
    touch("t-1", "2026-01-06T00:00:00Z", campaign_id="spring"),
    touch("t-2", "2026-01-07T00:00:00Z", campaign_id="fair", channel="event"),
    touch("t-3", "2026-01-08T00:00:00Z", channel="phone", kind="call", team="sales"),
    state("d-1", "2026-02-10T00:00:00Z"),
    state("d-2", "2026-03-10T00:00:00Z", amount="60.00"),
)
"""Two deals won in the first quarter, each with three touches: one of marketing with an owner, one with another, one of sales."""


def lands(con: duckdb.DuckDBPyConnection, *events: Event, config: Config = CONFIG) -> None:
    land_events(con, *events)
    attribute(con, config)


def closed_books(*events: Event, config: Config = CONFIG, path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Return a warehouse of FIRST and these events; nothing is locked yet."""
    con = empty_warehouse(path)
    lands(con, *FIRST, *events, config=config)
    return con


def rows_of(con: duckdb.DuckDBPyConnection, run_id: str, model: str = "linear") -> list[dict[str, Any]]:
    select = "SELECT * FROM locked.entry WHERE run_id = ? AND model = ? ORDER BY deal_id, booked_on, entry, touch_id NULLS FIRST"
    return rows_as_dicts(con, select, [run_id, model])


def changed(con: duckdb.DuckDBPyConnection, run_id: str) -> dict[tuple[str, str, str | None], str]:
    """Return credits of a run by model linear, by deal, entry and touch."""
    return {(row["deal_id"], row["entry"], row["touch_id"]): f"{row['revenue_reporting']:.2f}" for row in rows_of(con, run_id)}


def add_up_to_the_truth(con: duckdb.DuckDBPyConnection, config: Config = CONFIG) -> bool:
    """Tell whether Σ locked over all runs is what is true now, key by key, to the last minor unit."""
    runs = read_runs(con)
    truth = current_truth(con, config, locked_periods(runs), runs)
    con.register("true_now", truth)
    key = ", ".join(KEY)
    summed = f"SELECT {key}, sum(revenue_reporting) AS credit FROM locked.entry GROUP BY {key} HAVING credit <> 0"
    true = f"SELECT {key}, revenue_reporting FROM true_now WHERE revenue_reporting <> 0"
    differing = con.execute(f"(({summed}) EXCEPT ALL ({true})) UNION ALL (({true}) EXCEPT ALL ({summed}))").fetchall()
    con.unregister("true_now")
    return not differing and bool(len(truth))


AMOUNTS = ("base", "share_pct", "factor", "earned", "clawed_back", "carried_in", "paid", "carried_out")


def as_the_oracle(con: duckdb.DuckDBPyConnection, config: Config) -> int:
    """Compare all statements with those of the oracle; return how many there are."""
    runs = [
        LockedRun(
            run["run_id"],
            run["period"],
            run["period_kind"],
            run["period_start"],
            run["period_end"],
            run["is_first"],
            rows_as_dicts(con, "FROM locked.entry WHERE run_id = ?", [run["run_id"]]),
        )
        for run in rows_as_dicts(con, "FROM locked.run ORDER BY run_no")
    ]
    made = 0
    for plan in config.incentive:
        for expected in statements(runs, plan, config):
            (found,) = rows_as_dicts(con, "FROM locked.statement WHERE plan_id = ? AND run_id = ?", [plan.id, expected.run.run_id])
            assert {name: getattr(expected, name) for name in AMOUNTS if name != "share_pct"} == {
                name: found[name] for name in AMOUNTS if name != "share_pct"
            }
            assert found["share_pct"] == float(expected.share_pct)
            found_lines = con.execute(
                "SELECT period, kind, payee, amount FROM locked.statement_line WHERE statement_id = ? ORDER BY ALL", [found["statement_id"]]
            ).fetchall()
            assert found_lines == sorted(expected.lines)
            assert sum(amount for *_, amount in found_lines) == found["earned"] + found["clawed_back"]
            assert found["paid"] + found["carried_out"] == found["earned"] + found["clawed_back"] + found["carried_in"]
            made += 1
    assert con.execute("SELECT count(*) FROM locked.statement").fetchone() == (made,)
    return made
