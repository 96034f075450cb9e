"""What reports say, read from a snapshot or a warehouse: figures, checks, arrivals. No words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from nisba.errors import NotFound
from nisba.money import minor_digits
from warehouse.checks import credit_gaps
from warehouse.data_issues import DataIssue, read_data_issues
from warehouse.query import has_table, one_value, rows_as_dicts

__all__ = [
    "MEASURES",
    "Advice",
    "Arrivals",
    "Campaign",
    "Checks",
    "Measure",
    "Report",
    "Setting",
    "measures",
    "read_arrivals",
    "read_checks",
    "read_example_deal",
    "read_report",
    "read_rule",
    "read_setting",
]

MEASURES = ("attributed", "sourced_lead_source", "sourced_first_touch", "sourced_before_sales", "influenced", "coverage")
"""The six definitions of marketing-driven revenue, columns of marts.marketing_share."""


@dataclass(frozen=True)
class Setting:
    """The part of the configuration of the books that reports show."""

    reporting_currency: str
    time_zone: str
    default_model: str
    target_pct: Decimal
    models: int
    """How many there are."""


@dataclass(frozen=True)
class Campaign:
    """A row of marts.campaign_roi. ROI is a ratio, None where `roi_reason` says why; a campaign without spend has no cost."""

    campaign_id: str
    campaign_name: str
    channel: str | None
    cost: Decimal | None
    revenue: Decimal
    roi: float | None
    realized_revenue: Decimal
    realized_roi: float | None
    roas: float | None
    won_deals: int
    pipeline: Decimal
    roi_reason: str | None
    matured_pct: float | None = None
    """How much of what the period's touches will bring is booked by now; None where nobody can know."""


@dataclass(frozen=True)
class Advice:
    """A row of marts.advice: what an entity would gain, were it among the best quarter of its kind. The metric is in its own unit."""

    rank: int
    metric: str
    entity_kind: str
    entity: str
    name: str
    """Of a campaign the name that people know it by, else the entity."""
    period: str
    value: float
    best_quartile: float
    money: Decimal
    sentence_key: str
    evidence: str


@dataclass(frozen=True)
class Report:
    """A period by one model; money in `currency`, campaigns by falling revenue."""

    period_kind: str
    period: str
    model: str
    rule: str
    currency: str
    target_pct: float
    campaigns: tuple[Campaign, ...]
    share: Mapping[str, Any]
    """The period's row of marts.marketing_share, all segments together; empty when no deal was closed."""
    models: int = 1
    positive: tuple[str, ...] = ()
    """Names of the campaigns whose ROI is above zero under all of these models, the safest first."""
    advice: tuple[Advice, ...] = ()
    """What is worth most first; of the latest quarter that is over and the default model, whatever the report is of."""


@dataclass(frozen=True)
class Measure:
    """One definition of marketing-driven revenue: money and deals, each with its part of what was won."""

    name: str
    revenue: Decimal
    revenue_pct: float | None
    deals: Decimal | int
    deals_pct: float | None


@dataclass(frozen=True)
class Checks:
    """What can be said about the books as a whole."""

    deals: int
    entries: int
    wrong_entries: int
    """Entries that some model does not credit in full, in one of the two currencies; credits without an entry are among them."""
    models: int
    held: int
    """Entries without money in the reporting currency: no figure has them."""
    booked: Decimal
    """Sum of the final entries, in the reporting currency."""
    data_issues: tuple[DataIssue, ...] = ()
    """What somebody should look at, by kind; none where it is not known."""


@dataclass(frozen=True)
class Arrivals:
    """What came in and was not applied as it stood."""

    duplicates: int
    conflicts: int
    dead_letters: dict[str, int]
    """By error class."""


def read_setting(con: duckdb.DuckDBPyConnection) -> Setting:
    """Read the setting of the books; NotFound when nothing was attributed yet."""
    found = rows_as_dicts(con, _SETTING)
    if not found:
        raise NotFound("the books are empty: run `nisba backfill`, or `nisba stream` and `nisba attribute`, first.")
    return Setting(**found[0])


_SETTING = "SELECT reporting_currency, time_zone, default_model, target_pct, len(models)::INTEGER AS models FROM core.setting"


def read_rule(con: duckdb.DuckDBPyConnection, model: str) -> str:
    """Read what a model does, in words; NotFound for a model that the books do not have."""
    rule: str | None = one_value(con, "SELECT rule FROM core.model WHERE model = ?", [model])
    if rule is None:
        known = one_value(con, "SELECT string_agg(model, ', ' ORDER BY model) FROM core.model")
        raise NotFound(f"no model {model!r} in the books; there are: {known}.")
    return rule


def read_report(con: duckdb.DuckDBPyConnection, *, period: str | None = None, model: str | None = None) -> Report:
    """Read the report of a period (default: the latest year with won revenue) and a model (default: the default model).

    Raises NotFound for a period or model that the marts do not have.
    """
    setting = read_setting(con)
    chosen = model or setting.default_model
    rule = read_rule(con, chosen)
    kind, name = _period(con, period)
    campaigns = rows_as_dicts(con, _CAMPAIGNS, [kind, name, chosen])
    share = rows_as_dicts(con, _SHARE, [kind, name, chosen])
    rows = tuple(Campaign(**row) for row in campaigns)
    positive = tuple(row["entity_name"] for row in rows_as_dicts(con, _POSITIVE, [kind, name]))
    currency, target = setting.reporting_currency, float(setting.target_pct)
    advice = _advice(con, currency)
    return Report(kind, name, chosen, rule, currency, target, rows, share[0] if share else {}, setting.models, positive, advice)


_CAMPAIGNS = """
    SELECT
        campaign_id, campaign_name, channel, cost, revenue, roi, realized_revenue, realized_roi, roas, won_deals, pipeline, roi_reason,
        matured_pct
    FROM marts.campaign_roi WHERE period_kind = ? AND period = ? AND model = ?
    ORDER BY revenue DESC, cost DESC NULLS LAST, campaign_id
"""
_POSITIVE = """
    SELECT entity_name FROM marts.model_range CROSS JOIN core.setting
    WHERE period_kind = ? AND period = ? AND entity_kind = 'campaign' AND positive_models = len(setting.models)
    ORDER BY lowest DESC, entity
"""
_SHARE = "SELECT * FROM marts.marketing_share WHERE period_kind = ? AND period = ? AND model = ? AND segment_kind = 'all'"


def _advice(con: duckdb.DuckDBPyConnection, currency: str) -> tuple[Advice, ...]:
    """Read the advice, its money in minor units; none of books of an earlier version."""
    rows = rows_as_dicts(con, _ADVICE) if has_table(con, "marts.advice") else []
    digits = minor_digits(currency)
    return tuple(Advice(**{**row, "money": round(Decimal(row["money"]), digits)}) for row in rows)


_ADVICE = """
    SELECT
        rank, metric, entity_kind, entity, coalesce(campaign.name, entity) AS name, period, value, best_quartile, money, sentence_key,
        evidence
    FROM marts.advice
    LEFT JOIN core.campaign ON entity_kind = 'campaign' AND campaign_id = entity
    ORDER BY rank
"""


def measures(share: Mapping[str, Any]) -> list[Measure]:
    """Return the six measures of a row of marts.marketing_share; none of an empty one."""
    return [
        Measure(name, share[name], share[f"{name}_pct"], share[f"{name}_deals"], share[f"{name}_deals_pct"])
        for name in (MEASURES if share else ())
    ]


def read_checks(con: duckdb.DuckDBPyConnection) -> Checks:
    """Count deals, entries, models, held entries, and the entries whose credits do not add up: none, or something is badly wrong."""
    wrong = {(gap.deal_id, gap.entry_no) for gap in credit_gaps(con)}
    return Checks(wrong_entries=len(wrong), data_issues=read_data_issues(con) or (), **rows_as_dicts(con, _COUNTS)[0])


_COUNTS = """
    SELECT
        (SELECT count(*) FROM core.deal) AS deals,
        (SELECT count(*) FROM core.model) AS models,
        count(*) AS entries,
        count(*) FILTER (amount_reporting IS NULL) AS held,
        coalesce(sum(amount_reporting) FILTER (is_final), 0) AS booked
    FROM core.entry
"""


def read_arrivals(con: duckdb.DuckDBPyConnection) -> Arrivals:
    """Count what a warehouse took in without applying it as it stood; a snapshot does not know."""
    totals = "SELECT coalesce(sum(duplicates), 0)::BIGINT AS duplicates, coalesce(sum(conflicts), 0)::BIGINT AS conflicts"
    counted = rows_as_dicts(con, f"{totals} FROM ops.cycle WHERE kind = 'ingest'")[0]
    refused = rows_as_dicts(con, "SELECT error_class, count(*) AS records FROM ops.dead_letter GROUP BY ALL ORDER BY ALL")
    return Arrivals(**counted, dead_letters={row["error_class"]: row["records"] for row in refused})


def read_example_deal(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return a won deal that is worth explaining: a journey of some touches, entries beside the booking; None without one."""
    found: str | None = one_value(con, _EXAMPLE)
    return found


_EXAMPLE = """
    SELECT deal_id FROM core.deal JOIN core.journey_touch USING (deal_id) JOIN (
        SELECT deal_id, count(*) AS entries FROM core.entry GROUP BY deal_id
    ) USING (deal_id)
    WHERE status = 'won' AND journey = 'default' AND ordinal = 1
    ORDER BY journey_length BETWEEN 4 AND 9 DESC, entries DESC, amount_reporting DESC NULLS LAST, deal_id LIMIT 1
"""


def _period(con: duckdb.DuckDBPyConnection, wanted: str | None) -> tuple[str, str]:
    return _latest_year(con) if wanted is None else _named_period(con, wanted)


def _latest_year(con: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    order = "ORDER BY won_revenue = 0, period DESC LIMIT 1"
    latest = one_value(con, f"SELECT period FROM marts.marketing_share WHERE period_kind = 'year' AND segment_kind = 'all' {order}")
    if latest is None:
        raise NotFound("no deal is won or lost yet, so there is no period to report on.")
    return "year", latest


def _named_period(con: duckdb.DuckDBPyConnection, wanted: str) -> tuple[str, str]:
    for mart in ("campaign_roi", "marketing_share"):
        kind = one_value(con, f"SELECT period_kind FROM marts.{mart} WHERE period = ? AND period_kind <> 'ttm' LIMIT 1", [wanted])
        if kind is not None:
            return kind, wanted
    span = "min(period) || ' to ' || max(period)"
    months = one_value(con, f"SELECT {span} FROM marts.marketing_share WHERE period_kind = 'month'")
    there = f"there are months from {months}, quarters (2026-Q1) and years" if months else "no deal is won or lost yet"
    raise NotFound(f"no figures for the period {wanted!r}; {there}.")
