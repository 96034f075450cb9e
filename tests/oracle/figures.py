"""The figures of semantics §9, from rows of the books: ROI per campaign, marketing's share of the revenue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from nisba.config import Config
from tests.oracle import Rows
from tests.oracle.labels import is_among
from tests.oracle.models import models

__all__ = [
    "MEASURES",
    "Figures",
    "by_deal",
    "campaign_roi",
    "credits",
    "marketing_share",
    "memberships",
    "percent",
    "periods",
    "weight_of_marketing",
]

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


def _campaign_of(credit: dict[str, Any], names: Mapping[str, str]) -> str:
    """Return the campaign that a credit counts for, or what stands in its place."""
    if credit["ordinal"] == 0:
        return "(unattributed)"
    campaign_id = credit["campaign_id"]
    return "(none)" if campaign_id is None else names.get(campaign_id, campaign_id)


def campaign_roi(rows: Rows, config: Config, names: Mapping[str, str] = MappingProxyType({})) -> Figures:
    """Return cost, revenue, realized revenue, pipeline, won deals and ROI by (period kind, period, campaign, model).

    `names` says for every id that is another name of a campaign which one it counts for (`costs.named_campaigns`).
    """
    model_ids = {model.id for model in models(config)}
    figures: Figures = {}

    def rows_of(day: dt.date, campaign_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Make the rows of a campaign in the periods of a day where they are not there yet: one for every model."""
        for period in periods(day, config):
            for model in model_ids:
                yield model, figures.setdefault((*period, campaign_id, model), _empty_roi())

    def add(day: dt.date, campaign_id: str, measure: str, amount: Decimal, model_id: str | None = None) -> None:
        for model, row in rows_of(day, campaign_id):
            if model_id in (None, model):
                row[measure] = (row[measure] or ZERO) + amount

    for cost in rows["cost_daily"]:
        add(cost["day"], cost["campaign_id"], "cost", cost["cost_reporting"])
    for credit in credits(rows):
        campaign_id, model_id = _campaign_of(credit, names), credit["model"]
        amount = credit["revenue_reporting"] or ZERO  # what is held counts as nothing
        if credit["is_final"]:
            add(credit["booked_on"], campaign_id, "revenue", amount, model_id)
            if credit["touched_on"] is not None:
                add(credit["touched_on"], campaign_id, "realized_revenue", amount, model_id)
        else:
            add(credit["opened_on"], campaign_id, "pipeline", amount, model_id)
        if credit["status"] == "won":
            for model, row in rows_of(credit["closed_on"], campaign_id):
                row["won_deals"] |= {credit["deal_id"]} if model == model_id else set()
    return {key: {**row, "won_deals": len(row["won_deals"]), **_returns(row)} for key, row in figures.items()}


def _empty_roi() -> dict[str, Any]:
    return {"cost": None, "revenue": ZERO, "realized_revenue": ZERO, "pipeline": ZERO, "won_deals": set()}


def _returns(row: dict[str, Any]) -> dict[str, Any]:
    cost = row["cost"]
    if cost is None or cost <= 0:
        reason = "no_cost" if cost is None else "zero_cost" if cost == 0 else "negative_cost"
        return {"roi": None, "realized_roi": None, "roas": None, "roi_reason": reason}
    revenue, realized, cost = Fraction(row["revenue"]), Fraction(row["realized_revenue"]), Fraction(cost)
    return {"roi": (revenue - cost) / cost, "realized_roi": (realized - cost) / cost, "roas": revenue / cost, "roi_reason": None}


def marketing_share(rows: Rows, config: Config) -> Figures:
    """Return totals, the six measures and what they are in percent, by (period kind, period, segment, model).

    Revenue and deals alike: `influenced`, `influenced_deals`, `influenced_pct`, `influenced_deals_pct`.
    """
    of_deal = by_deal(rows)
    belongs = {deal["deal_id"]: memberships(deal, of_deal[deal["deal_id"]], config) for deal in rows["deal"]}
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
        measures = belongs[deal["deal_id"]]
        for entry in rows["entry"]:
            if entry["deal_id"] == deal["deal_id"] and entry["is_final"] and entry["amount_reporting"] is not None:
                add(deal, entry["booked_on"], model_ids, ("won_revenue", *measures), entry["amount_reporting"])
        if deal["status"] == "won":
            add(deal, deal["closed_on"], model_ids, ("won_deals", *(f"{name}_deals" for name in measures)), 1)
            for model in model_ids:
                add(deal, deal["closed_on"], [model], ["attributed_deals"], weight_of_marketing(deal, model, of_deal[deal["deal_id"]]))
    for credit in credits(rows):
        if credit["team"] == "marketing" and credit["is_final"] and credit["revenue_reporting"] is not None:
            add(credit, credit["booked_on"], [credit["model"]], ["attributed"], credit["revenue_reporting"])
    return {key: {**row, **_percentages(row, config)} for key, row in figures.items()}


def by_deal(rows: Rows) -> dict[str, Rows]:
    """Return the credits and touches of each deal by themselves: what is asked deal by deal is not to search through all of them."""
    found: dict[str, Rows] = {deal["deal_id"]: {"credit_line": [], "journey_touch": []} for deal in rows["deal"]}
    for name in ("credit_line", "journey_touch"):
        for row in rows[name]:
            found[row["deal_id"]][name].append(row)
    return found


def weight_of_marketing(deal: dict[str, Any], model: str, rows: Rows) -> Fraction:
    """Return the weights of marketing's touches of a won deal.

    They are exact and sum to one, but the rows show twelve decimals: where all touches are marketing's it is one, and never more.
    """
    lines = {line["ordinal"]: line for line in rows["credit_line"] if line["deal_id"] == deal["deal_id"] and line["model"] == model}
    (journey,) = {line["journey"] for line in lines.values()}
    touches = [touch for touch in rows["journey_touch"] if touch["journey"] == journey and touch["deal_id"] == deal["deal_id"]]
    ours = {touch["ordinal"] for touch in touches if touch["team"] == "marketing"}
    weight = sum((Fraction(line["weight"]) for ordinal, line in lines.items() if ordinal in ours), Fraction(0))
    return Fraction(1) if lines.keys() <= ours else min(Fraction(1), weight)


def percent(part: Any, whole: Any) -> Fraction | None:
    """Return a part in percent of its whole; None where that would be no percentage.

    >>> percent(1, 4), percent(0, 4), percent(5, 4), percent(-1, 4), percent(0, 0), percent(-1, -4)
    (Fraction(25, 1), Fraction(0, 1), None, None, None, None)
    """
    return 100 * Fraction(part) / Fraction(whole) if whole > 0 and 0 <= part <= whole else None


def _percentages(row: dict[str, Any], config: Config) -> dict[str, Fraction | None]:
    of_revenue = {f"{name}_pct": percent(row[name], row["won_revenue"]) for name in MEASURES}
    of_deals = {f"{name}_deals_pct": percent(row[f"{name}_deals"], row["won_deals"]) for name in MEASURES}
    attributed = of_revenue["attributed_pct"]
    gap = None if attributed is None else attributed - Fraction(config.marketing.target_pct)
    return {**of_revenue, **of_deals, "gap_to_target": gap}


def _empty_share() -> dict[str, Any]:
    row: dict[str, Any] = {"won_revenue": ZERO, "won_deals": 0}
    for measure in MEASURES:
        row |= {measure: ZERO, f"{measure}_deals": 0}
    return row


def memberships(deal: dict[str, Any], rows: Rows, config: Config) -> list[str]:
    """Return which of the measures a deal belongs to as a whole: all but `attributed`."""
    own = [touch for touch in rows["journey_touch"] if touch["journey"] == "default" and touch["deal_id"] == deal["deal_id"]]
    teams = [touch["team"] for touch in sorted(own, key=lambda touch: touch["ordinal"])]
    before_sales = teams[: teams.index("sales")] if "sales" in teams else teams
    belongs = {
        "sourced_lead_source": is_among(deal["lead_source"], config.marketing.lead_sources, "lead_source"),
        "sourced_first_touch": teams[:1] == ["marketing"],
        "sourced_before_sales": "marketing" in before_sales,
        "influenced": "marketing" in teams,
        "coverage": bool(teams),
    }
    return [name for name, holds in belongs.items() if holds]
