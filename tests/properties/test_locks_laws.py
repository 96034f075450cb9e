"""Laws of locked periods on generated sets: Σ locked is the truth, replays give what was locked, statements are those of the oracle."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nisba.agreements import Incentive, Tier
from nisba.config import Config, Reporting
from tests import oracle
from tests.oracle.figures import credits, periods
from tests.strategies import Event, configs, event_sets, examples
from tests.unit.warehouse.landing import attribute, empty_warehouse, land_events
from tests.unit.warehouse.locks.closing import as_the_oracle
from warehouse.locks.lock import lock
from warehouse.locks.periods import Period, period_named
from warehouse.locks.replay import replay
from warehouse.locks.rows import COLUMNS, KEY
from warehouse.locks.runs import Run, read_runs
from warehouse.locks.statements import make_statements

LONG_AFTER = dt.datetime(2027, 1, 1, tzinfo=dt.timezone.utc)
TRUE_KEY = KEY[1:]
Sums = dict[tuple[Any, ...], Decimal]


def true_credits(events: Sequence[Event], config: Config, locked: Sequence[Period]) -> Sums:
    """Return Σ credit by key, by the oracle, of what is dated in locked periods; zeros left out."""
    books = oracle.fold(events, config)
    begun = {}
    for entry in sorted(books["entry"], key=lambda entry: entry["entry_no"]):
        if entry["entry"] in ("booking", "rebooking"):
            begun[entry["deal_id"], ""] = entry["booked_on"]
        begun[entry["deal_id"], entry["entry_no"]] = begun.get((entry["deal_id"], ""))
    sums: Sums = defaultdict(Decimal)
    for credit in credits(books):
        credit["run_booked_on"] = begun[credit["deal_id"], credit["entry_no"]]
        for period in locked:
            if credit["is_final"] and credit["revenue_reporting"] is not None and period.start <= credit["booked_on"] <= period.end:
                sums[(period.name, *(credit[name] for name in TRUE_KEY))] += credit["revenue_reporting"]
    return {key: credit for key, credit in sums.items() if credit}


def locked_credits(con: duckdb.DuckDBPyConnection) -> Sums:
    names = ", ".join(KEY)
    rows = con.execute(f"SELECT {names}, sum(revenue_reporting) AS credit FROM locked.entry GROUP BY {names} HAVING credit <> 0").fetchall()
    return {row[:-1]: row[-1] for row in rows}


@examples(8, of_profile=0.2)
@given(event_sets(), configs(), st.randoms(use_true_random=False), st.sampled_from(("month", "quarter")))
def test_lock_change_lock_again_sums_to_the_truth(events: list[Event], config: Config, dice: random.Random, kind: str) -> None:
    config = msgspec.structs.replace(config, reporting=msgspec.structs.replace(config.reporting, as_of=LONG_AFTER))
    start_month = config.reporting.fiscal_year_start_month
    march, april = (dict(periods(dt.date(2026, *day), config))[kind] for day in ((3, 31), (4, 1)))
    dice.shuffle(events)
    cuts = sorted(dice.sample(range(1, len(events)), 2))
    batches = [events[low:high] for low, high in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    seen: list[Event] = []
    with empty_warehouse() as con:
        for batch, period in zip(batches, dice.choice(((march, april, march), (april, march, april), (march, march, april))), strict=True):
            seen += batch
            land_events(con, *batch)
            attribute(con, config)
            lock(con, config, period)
            locked = [period_named(name, start_month) for name in {run.period for run in read_runs(con)}]
            assert locked_credits(con) == true_credits(seen, config, locked)
        assert [replay(con, run.run_id).is_same for run in read_runs(con)] == [True, True, True]


OWNERS = ("Ada", "Bo", "bo", "Ж", None)
PERIODS = ("2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2025-12", "2027-01")


@st.composite
def plans(draw: st.DrawFn) -> Incentive:
    tiers = draw(
        st.lists(st.tuples(st.sampled_from((0, 20, 50, 80)), st.sampled_from(("0", "1", "1.5", "2"))), min_size=1, unique_by=lambda t: t[0])
    )
    return Incentive(
        id="plan",
        model="linear",
        pool_pct=Decimal(draw(st.sampled_from(("1", "0.5", "33.3", "100")))),
        tiers=tuple(Tier(from_pct=Decimal(share), factor=Decimal(factor)) for share, factor in tiers),
        cap=draw(st.sampled_from((None, Decimal(0), Decimal("10.005"), Decimal(100)))),
        split_by=draw(
            st.sampled_from(("campaign_owner", "deal_owner", {"b": Decimal("33.3"), "a": Decimal("33.3"), "c": Decimal("33.4")}))
        ),
    )


@dataclass(frozen=True)
class Draw:
    """Draws the rows of a run."""

    dice: random.Random
    locked: list[Period]

    def row(self, period: Period, kind: str) -> dict[str, Any]:
        dice, length = self.dice, (period.end - period.start).days
        booked_on = period.start + dt.timedelta(days=dice.randint(0, length))
        is_booking = dice.random() < 0.5
        entry = dice.choice(("booking", "rebooking")) if is_booking else dice.choice(("amendment", "reversal", "adjustment"))
        begun = booked_on if is_booking else dt.date(2025, 11, 1) + dt.timedelta(days=dice.randint(0, 430))
        cents = dice.randint(-20_00, 100_00) if kind == "adjusted" or not is_booking else dice.randint(0, 100_00)
        return {
            "period": period.name,
            "kind": kind,
            "model": dice.choice(("linear", "linear", "first_touch")),
            "deal_id": dice.choice("de"),
            "entry": entry,
            "booked_on": booked_on,
            "run_booked_on": begun,
            "team": dice.choice(("marketing", "marketing", "sales", None)),
            "campaign_owner": dice.choice(OWNERS),
            "deal_owner": dice.choice(OWNERS),
            "revenue_reporting": Decimal(cents).scaleb(-2),
        }

    def rows(self, period: Period, *, is_first: bool) -> list[dict[str, Any]]:
        new = [self.row(period, "locked") for _ in range(self.dice.randint(0, 6))] if is_first else []
        return new + [self.row(self.dice.choice(self.locked), "adjusted") for _ in range(self.dice.randint(0, 4)) if self.locked]


def freeze(con: duckdb.DuckDBPyConnection, config: Config, period: Period, rows: list[dict[str, Any]], *, is_first: bool) -> Run:
    """Insert a run and its rows, whatever they are."""
    runs = read_runs(con)
    run_id = f"{period.name}-{len(runs) + 1}"
    names = "run_id, run_no, locked_at, period_kind, period, period_start, period_end, is_first"
    about = [run_id, len(runs) + 1, LONG_AFTER, period.kind, period.name, period.start, period.end, is_first]
    con.execute(f"INSERT INTO locked.run ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", about)
    for row in rows:
        values = [run_id, *(row.get(name) for name in COLUMNS)]
        con.execute(f"INSERT INTO locked.entry (run_id, {', '.join(COLUMNS)}) VALUES ({', '.join('?' for _ in values)})", values)
    return read_runs(con)[-1]


@examples(15, of_profile=0.5)
@given(plans(), st.randoms(use_true_random=False), st.sampled_from(("USD", "KWD")))
def test_statements_are_those_of_the_oracle(plan: Incentive, dice: random.Random, currency: str) -> None:
    config = Config(reporting=Reporting(currency=currency), incentive=(plan,))
    made = 0
    with empty_warehouse() as con:
        locked: list[Period] = []
        for name in dice.choices(PERIODS, k=7):
            period = period_named(name, 1)
            is_first = period not in locked
            rows = Draw(dice, locked).rows(period, is_first=is_first)
            run = freeze(con, config, period, rows, is_first=is_first)
            locked += [period] if is_first else []
            made += len(make_statements(con, config, run)) if is_first else 0
        assert as_the_oracle(con, config) == made
