"""The figures of semantics §9, from rows of the books: ROI per campaign, marketing's share of the revenue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.models import models

__all__ = ["MEASURES", "Figures", "campaign_roi", "credits", "marketing_share", "periods"]

Figures = dict[tuple[str, ...], dict[str, Any]]

MEASURES = ("attributed", "sourced_lead_source", "sourced_first_touch", "sourced_before_sales", "influenced", "coverage")
ZERO = Decimal(0)


def periods(day: dt.date, config: Config) -> list[tuple[str, str]]:
    """Return the month, fiscal quarter and fiscal year of a day, named by the year in which the fiscal year ends.

    >>> from nisba.config import Reporting
    >>> periods(dt.date(2026, 3, 31), Config(reporting=Reporting(fiscal_year_start_month=4)))
    [('month', '2026-03'), ('quarter', '2026-Q4'), ('year', '2026')]
    >>> periods(dt.date(2026, 4, 1), Config(reporting=Reporting(fiscal_year_start_month=4)))
    [('month', '2026-04'), ('quarter', '2027-Q1'), ('year', '2027')]
    """
    start = config.reporting.fiscal_year_start_month
    year = day.year + (1 if start > 1 and day.month >= start else 0)
    quarter = (day.month - start) % 12 // 3 + 1
    return [("month", f"{day:%Y-%m}"), ("quarter", f"{year}-Q{quarter}"), ("year", str(year))]


def credits(rows: Rows) -> Iterator[dict[str, Any]]:
    """Return the credits as `core.credit` shows them: each line with its entry, its touch and its deal."""
    entries = {(entry["deal_id"], entry["entry_no"]): entry for entry in rows["entry"]}
    touches = {(touch["journey"], touch["deal_id"], touch["ordinal"]): touch for touch in rows["journey_touch"]}
    deals = {deal["deal_id"]: deal for deal in rows["deal"]}
    nobody = dict.fromkeys(("campaign_id", "team", "touch_source", "touch_id", "touched_on")) | {"channel": "unattributed"}
    for line in rows["credit_line"]:
        touch = touches.get((line["journey"], line["deal_id"], line["ordinal"]), nobody)
        yield {**deals[line["deal_id"]], **touch, **entries[line["deal_id"], line["entry_no"]], **line}


def _campaign_of(credit: dict[str, Any]) -> str:
    if credit["ordinal"] == 0:
        return "(unattributed)"
    return str(credit["campaign_id"]) if credit["campaign_id"] is not None else "(none)"


def campaign_roi(rows: Rows, config: Config) -> Figures:
    """Return cost, revenue, realized revenue, pipeline and ROI by (period kind, period, campaign, model)."""
    model_ids = {model.id for model in models(config)}
    figures: Figures = {}

    def add(day: dt.date, campaign_id: str, measure: str, amount: Decimal, credited: Iterable[str]) -> None:
        for period in periods(day, config):
            for model in model_ids:
                row = figures.setdefault(
                    (*period, campaign_id, model), {"cost": None, "revenue": ZERO, "realized_revenue": ZERO, "pipeline": ZERO}
                )
                if model in credited:
                    row[measure] = (row[measure] or ZERO) + amount

    for cost in rows["cost_daily"]:
        add(cost["day"], cost["campaign_id"], "cost", cost["cost_reporting"], model_ids)
    for credit in credits(rows):
        if credit["is_final"]:
            amount = ZERO if credit["revenue_reporting"] is None else credit["revenue_reporting"]
            add(credit["booked_on"], _campaign_of(credit), "revenue", amount, [credit["model"]])
            if credit["touched_on"] is not None:
                add(credit["touched_on"], _campaign_of(credit), "realized_revenue", amount, [credit["model"]])
    _add_pipeline(figures, rows, config)
    return {key: {**row, **_returns(row)} for key, row in figures.items()}


def _add_pipeline(figures: Figures, rows: Rows, config: Config) -> None:
    """Add pending credits to the rows that exist; a pending credit makes no row of its own."""
    for credit in credits(rows):
        if not credit["is_final"] and credit["revenue_reporting"] is not None:
            for period in periods(credit["opened_on"], config):
                key = (*period, _campaign_of(credit), credit["model"])
                if key in figures:
                    figures[key]["pipeline"] += credit["revenue_reporting"]


def _returns(row: dict[str, Any]) -> dict[str, Any]:
    cost = row["cost"]
    if cost is None or cost <= 0:
        reason = "no_cost" if cost is None else "zero_cost" if cost == 0 else "negative_cost"
        return {"roi": None, "realized_roi": None, "roas": None, "roi_reason": reason}
    revenue, realized, cost = Fraction(row["revenue"]), Fraction(row["realized_revenue"]), Fraction(cost)
    return {"roi": (revenue - cost) / cost, "realized_roi": (realized - cost) / cost, "roas": revenue / cost, "roi_reason": None}


def marketing_share(rows: Rows, config: Config) -> Figures:
    """Return totals and the six measures, by revenue and by deals, by (period kind, period, segment, model)."""
    facts = {deal["deal_id"]: _memberships(deal, rows, config) for deal in rows["deal"]}
    figures: Figures = {}
    model_ids = {model.id for model in models(config)}

    def add(deal: dict[str, Any], day: dt.date, credited: Iterable[str], measures: Iterable[str], amount: Any) -> None:
        segment = "(none)" if deal["segment"] is None else deal["segment"]
        for period in periods(day, config):
            for key in ((*period, part, model) for part in ("all", segment) for model in credited):
                row = figures.setdefault(key, _empty_share())
                for measure in measures:
                    row[measure] += amount

    for deal in rows["deal"]:
        held = facts[deal["deal_id"]]
        for entry in rows["entry"]:
            if entry["deal_id"] == deal["deal_id"] and entry["is_final"]:
                add(deal, entry["booked_on"], model_ids, ("won_revenue", *held), entry["amount_reporting"] or ZERO)
        if deal["status"] == "won":
            add(deal, deal["closed_on"], model_ids, ("won_deals", *(f"{name}_deals" for name in held)), 1)
    weighed = set()
    for credit in credits(rows):
        if credit["team"] != "marketing" or not credit["is_final"]:
            continue
        add(credit, credit["booked_on"], [credit["model"]], ["attributed"], credit["revenue_reporting"] or ZERO)
        share = (credit["deal_id"], credit["model"], credit["ordinal"])
        if credit["status"] == "won" and share not in weighed:
            weighed.add(share)
            add(credit, credit["closed_on"], [credit["model"]], ["attributed_deals"], credit["weight"])
    return figures


def _empty_share() -> dict[str, Any]:
    row: dict[str, Any] = {"won_revenue": ZERO, "won_deals": 0}
    for measure in MEASURES:
        row |= {measure: ZERO, f"{measure}_deals": 0}
    return row


def _memberships(deal: dict[str, Any], rows: Rows, config: Config) -> list[str]:
    """Return which of the measures a deal belongs to as a whole: all but `attributed`."""
    own = [touch for touch in rows["journey_touch"] if touch["journey"] == "default" and touch["deal_id"] == deal["deal_id"]]
    teams = [touch["team"] for touch in sorted(own, key=lambda touch: touch["ordinal"])]
    before_sales = teams[: teams.index("sales")] if "sales" in teams else teams
    belongs = {
        "sourced_lead_source": deal["lead_source"] in config.marketing.lead_sources,
        "sourced_first_touch": teams[:1] == ["marketing"],
        "sourced_before_sales": "marketing" in before_sales,
        "influenced": "marketing" in teams,
        "coverage": bool(teams),
    }
    return [name for name, holds in belongs.items() if holds]
