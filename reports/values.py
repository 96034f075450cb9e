"""What a report says: the campaigns of a period, marketing's share of its revenue, and what was checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from nisba.errors import NotFound

__all__ = ["MEASURES", "Checks", "Report", "read_checks", "read_report"]

MEASURES: dict[str, str] = {
    "attributed": "Attributed to marketing's touches",
    "sourced_lead_source": "Sourced: lead source is marketing's",
    "sourced_first_touch": "Sourced: first touch is marketing's",
    "sourced_before_sales": "Sourced: marketing before sales",
    "influenced": "Influenced: any marketing touch",
    "coverage": "Coverage: any touch at all",
}
"""The six definitions of marketing-driven revenue, with the words for people."""


@dataclass(frozen=True)
class Checks:
    """What can be said about the books as a whole."""

    deals: int
    entries: int
    wrong_entries: int
    """Entries whose credits do not add up to them in some model."""
    models: int
    held: int


@dataclass(frozen=True)
class Report:
    """A period by one model; money in `currency`."""

    period_kind: str
    period: str
    model: str
    rule: str
    currency: str
    target_pct: float
    campaigns: list[dict[str, Any]]
    share: dict[str, Any]


def read_report(con: duckdb.DuckDBPyConnection, *, period: str | None = None, model: str | None = None) -> Report:
    """Read the report of a period (default: the latest year with won revenue) and a model (default: the default model).

    Raises NotFound for a period or model that the marts do not have.
    """
    currency, default_model, target = _one(con, "SELECT reporting_currency, default_model, target_pct FROM core.setting")
    chosen = model or default_model
    rule = con.execute("SELECT rule FROM core.model WHERE model = ?", [chosen]).fetchone()
    if rule is None:
        known = ", ".join(name for (name,) in con.execute("SELECT model FROM core.model ORDER BY model").fetchall())
        raise NotFound(f"no model {chosen!r} in the books; there are: {known}.")
    kind, name = _period(con, period)
    campaigns = _dicts(
        con,
        """
        SELECT campaign_id, campaign_name, channel, cost, revenue, roi, realized_revenue, realized_roi, roas, won_deals, pipeline,
            roi_reason
        FROM marts.campaign_roi WHERE period_kind = ? AND period = ? AND model = ?
        ORDER BY revenue DESC, cost DESC NULLS LAST, campaign_id
        """,
        [kind, name, chosen],
    )
    share = _dicts(
        con,
        "SELECT * FROM marts.marketing_share WHERE period_kind = ? AND period = ? AND model = ? AND segment_kind = 'all'",
        [kind, name, chosen],
    )
    return Report(kind, name, chosen, rule[0], currency, float(target), campaigns, share[0] if share else {})


def read_checks(con: duckdb.DuckDBPyConnection) -> Checks:
    """Count the entries whose credits do not add up: none, or something is badly wrong."""
    wrong = _one(
        con,
        """
        WITH credited AS (
            SELECT deal_id, entry_no, model, sum(revenue) AS revenue FROM core.credit_line GROUP BY ALL
        )
        SELECT count(*) FROM credited JOIN core.entry USING (deal_id, entry_no) WHERE revenue <> amount
        """,
    )[0]
    deals, entries, models, held = _one(
        con,
        """
        SELECT
            (SELECT count(*) FROM core.deal), (SELECT count(*) FROM core.entry), (SELECT count(*) FROM core.model),
            (SELECT count(*) FROM core.entry WHERE amount_reporting IS NULL)
        """,
    )
    return Checks(deals, entries, wrong, models, held)


def _period(con: duckdb.DuckDBPyConnection, wanted: str | None) -> tuple[str, str]:
    if wanted is None:
        latest = con.execute(
            "SELECT period_kind, period FROM marts.marketing_share WHERE period_kind = 'year' ORDER BY won_revenue = 0, period DESC LIMIT 1"
        ).fetchone()
        if latest is None:
            raise NotFound("no deal is won or lost yet, so there is no period to report on.")
        return latest[0], latest[1]
    found = con.execute("SELECT period_kind, period FROM marts.campaign_roi WHERE period = ? LIMIT 1", [wanted]).fetchone()
    found = found or con.execute("SELECT period_kind, period FROM marts.marketing_share WHERE period = ? LIMIT 1", [wanted]).fetchone()
    if found is None:
        spans = con.execute("SELECT min(period), max(period) FROM marts.marketing_share WHERE period_kind = 'month'").fetchone()
        first, last = spans or (None, None)
        raise NotFound(f"no figures for the period {wanted!r}; there are months from {first} to {last}, quarters (2026-Q1) and years.")
    return found[0], found[1]


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    if row is None:
        raise NotFound("the books are empty: run `nisba backfill`, or `nisba stream` and `nisba attribute`, first.")
    return row


def _dicts(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
