"""What is true of locked periods, and the rows that a run writes so that all runs together say it.

A row has a key: period, model, deal, touch, kind of entry, its day, and the day of the booking that began its currency run. What a period
was when it was first locked is `locked`; whatever is true now beyond the sum of all earlier rows is `adjusted`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from nisba.attribution import fold
from nisba.attribution.campaigns import counts_for
from nisba.attribution.facts import TEXT, Facts, ledger_schema
from nisba.attribution.models import selected_models
from nisba.attribution.registers import winners
from nisba.config import Config
from warehouse.locks.runs import LockedPeriod, Run, with_models
from warehouse.query import arrow_table, relations
from warehouse.recompute.reading import read_facts
from warehouse.recompute.scope import Scope

__all__ = ["COLUMNS", "KEY", "content_hash", "current_truth", "folded_truth", "rows_of_run"]

KEY = ("period", "model", "deal_id", "touch_source", "touch_id", "entry", "booked_on", "run_booked_on")
"""What tells the rows of a run apart, and is the same in every run."""
_ABOUT = ("team", "campaign_id", "campaign_owner", "deal_owner")
"""What a row says besides: as it was when its key was first locked."""
COLUMNS = ("period", "kind", *KEY[1:], *_ABOUT, "revenue_reporting")
"""The columns of `locked.entry`, without the run."""

_BOOKS = ("credit_line", "entry", "deal", "journey_touch")
_PERIODS = pa.schema([("period", TEXT), ("period_start", pa.date32()), ("period_end", pa.date32()), ("models", pa.list_(TEXT))])
_CAMPAIGNS = pa.schema([("campaign_id", TEXT), ("counts_for", TEXT), ("owner", TEXT)])

# adjustments are numbered after the states of their deal, and belong to the run that began last
_TRUTH = """
    WITH begun AS (
        SELECT
            deal_id, entry_no, entry, booked_on,
            last_value(CASE WHEN entry IN ('booking', 'rebooking') THEN booked_on END IGNORE NULLS)
                OVER (PARTITION BY deal_id ORDER BY entry_no) AS run_booked_on
        FROM {books}entry
        WHERE is_final
    ),

    dated AS (
        SELECT period, models, begun.*
        FROM begun
        JOIN asked_period ON booked_on BETWEEN period_start AND period_end
        {later}
    ),

    credited AS (
        SELECT dated.* EXCLUDE (models, entry_no), line.model, line.journey, line.ordinal, line.revenue_reporting
        FROM {books}credit_line AS line
        JOIN dated ON dated.deal_id = line.deal_id AND dated.entry_no = line.entry_no
        WHERE list_contains(dated.models, line.model) AND line.revenue_reporting IS NOT NULL
    ),

    described AS (
        SELECT
            credited.* EXCLUDE (journey, ordinal), touch.touch_source, touch.touch_id, touch.team,
            coalesce(known_campaign.counts_for, touch.campaign_id) AS campaign_id,
            known_campaign.owner AS campaign_owner, deal.owner AS deal_owner
        FROM credited
        JOIN {books}deal AS deal ON deal.deal_id = credited.deal_id
        LEFT JOIN {books}journey_touch AS touch
            ON touch.deal_id = credited.deal_id AND touch.journey = credited.journey AND touch.ordinal = credited.ordinal
        LEFT JOIN known_campaign ON known_campaign.campaign_id = touch.campaign_id
    )

    SELECT {columns}, sum(revenue_reporting) AS revenue_reporting FROM described GROUP BY ALL
"""

# of bookings in the periods: what became of them on days that are in none
_LATER = """
        UNION ALL
        SELECT NULL, models, begun.*
        FROM begun
        JOIN asked_period ON run_booked_on BETWEEN period_start AND period_end
        WHERE NOT EXISTS (FROM asked_period WHERE booked_on BETWEEN period_start AND period_end)
"""

_ROWS = """
    WITH said AS (
        SELECT {key}, {about}, -revenue_reporting AS revenue_reporting, run_no
        FROM locked.entry
        JOIN (SELECT run_id, run_no FROM locked.run WHERE run_no < $1) AS run USING (run_id)
        UNION ALL
        SELECT {key}, {about}, revenue_reporting, $1 FROM truth
    ),

    summed AS (
        SELECT {key}, arg_min({{{about_struct}}}, run_no) AS about, sum(revenue_reporting)::DECIMAL(38, 3) AS revenue_reporting
        FROM said
        GROUP BY {key}
    ),

    named AS (
        SELECT * EXCLUDE (about), if(period = $2::VARCHAR, 'locked', 'adjusted') AS kind, about.*
        FROM summed
    )

    SELECT {columns} FROM named WHERE kind = 'locked' OR revenue_reporting <> 0
"""


def current_truth(
    con: duckdb.DuckDBPyConnection, config: Config, periods: Sequence[LockedPeriod], runs: Sequence[Run], *, later: bool = False
) -> pa.Table:
    """Return what is true of some periods by the books, which are up to date: a row per key, its credit, and what is known of it.

    `later`: with what became, on days that are in none of the periods, of bookings made in them; the period of such rows is null.
    Models that are no longer configured are computed for it: all books anew, in this process.
    """
    wanted = {model for period in periods for model in period.models}
    if wanted <= {model.id for model in selected_models(config)}:
        names = ", ".join(ledger_schema("campaign", provenance=False).names)
        events = arrow_table(con, f"SELECT {names} FROM ledger.current_campaign")
        return _truth(con, "core.", periods, events, later)
    facts = read_facts(con, Scope(everything=True))
    return folded_truth(con, facts, with_models(config, wanted, runs), periods, later=later)


def folded_truth(
    con: duckdb.DuckDBPyConnection, facts: Facts, config: Config, periods: Sequence[LockedPeriod], *, later: bool = False
) -> pa.Table:
    """Return what is true of some periods by facts and a configuration, which computes all their models."""
    made = fold(facts, config).tables()
    with relations(con, **{f"folded_{name}": made[name] for name in _BOOKS}):
        return _truth(con, "folded_", periods, facts.campaign, later)


def _truth(con: duckdb.DuckDBPyConnection, books: str, periods: Sequence[LockedPeriod], campaign_events: pa.Table, later: bool) -> pa.Table:
    """Return the rows of `_TRUTH`; `books` is what the names of the books begin with."""
    asked = [(each.period.name, each.period.start, each.period.end, list(each.models)) for each in periods]
    columns = [pa.array([row[place] for row in asked], field.type) for place, field in enumerate(_PERIODS)]
    select = _TRUTH.format(books=books, columns=", ".join((*KEY, *_ABOUT)), later=_LATER if later else "")
    with relations(con, asked_period=pa.table(columns, schema=_PERIODS), known_campaign=_campaigns(campaign_events)):
        return arrow_table(con, select)


def _campaigns(events: pa.Table) -> pa.Table:
    """Return, for each campaign that an event is about, the one that it counts for, and who answers for that one."""
    latest = winners("campaign", events)
    names = latest["campaign_id"].cast(TEXT)
    owners = dict(zip(names.to_pylist(), latest["owner"].to_pylist(), strict=True))
    standing = counts_for(names, events)
    owned = pa.array([owners.get(name) for name in standing.to_pylist()], TEXT)
    return pa.table([names, standing, owned], schema=_CAMPAIGNS)


def rows_of_run(con: duckdb.DuckDBPyConnection, truth: pa.Table, run_no: int, first_locked: str | None) -> pa.Table:
    """Return the rows that a run writes, in the columns of `locked.entry` without the run.

    `truth` is of all periods that are locked with this run; `run_no` tells the runs before it; `first_locked` names the period that this
    run locks for the first time, None where it adjusts alone.
    """
    parts = {"key": ", ".join(KEY), "about": ", ".join(_ABOUT), "columns": ", ".join(COLUMNS)}
    parts["about_struct"] = ", ".join(f"'{name}': {name}" for name in _ABOUT)
    with relations(con, truth=truth):
        return arrow_table(con, _ROWS.format(**parts), [run_no, first_locked])


def content_hash(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> str:
    """Return the SHA-256, 64 hex digits, of the rows of a run: each as a JSON list of texts, sorted by bytes, a line break after each."""
    texts = ", ".join(f"{name}::VARCHAR" for name in COLUMNS)
    with relations(con, to_hash=rows):
        lines = arrow_table(con, f"SELECT to_json([{texts}])::VARCHAR AS line FROM to_hash ORDER BY line")
    digest = hashlib.sha256()
    for chunk in lines["line"].chunks:
        digest.update("".join(f"{line}\n" for line in chunk.to_pylist()).encode())
    return digest.hexdigest()
