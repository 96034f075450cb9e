"""The answers to tests/questions.yml, in plain Python from the raw events: one function a question, named there.

Each returns the rows that the question's SELECT has to return, in its order; money to the last minor unit, quotients as exact fractions
that are rounded at the end, half away from zero.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.oracle.figures import credits, memberships, percent
from tests.oracle.levels.company import Company, those
from tests.oracle.levels.leads import Row
from tests.oracle.levels.segments import named
from tests.oracle.levels.world import quantile, ratio, span
from tests.oracle.money import converted, in_units, minor, rates

__all__ = ["rounded"]

Rows = list[tuple[Any, ...]]
ZERO = Decimal(0)
DAY = 86_400_000_000
YEAR, LAST_YEAR = "2025", "2024"


def rounded(number: Any, digits: int = 1) -> float | None:
    """Return a number with so many decimals, a half away from zero.

    >>> rounded(Fraction(25, 100)), rounded(Fraction(-1, 800), 3), rounded(None)
    (0.3, -0.001, None)
    """
    if number is None:
        return None
    scaled = abs(Fraction(number)) * 10**digits
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return float(Decimal(units if number >= 0 else -units).scaleb(-digits)) + 0.0


def _times_100(number: Any) -> Any:
    return None if number is None else 100 * Fraction(number)


def _to_cents(number: Any) -> Decimal:
    """Return a decimal of twelve places with two, a half away from zero."""
    with localcontext() as context:
        context.prec = 40
        return Decimal(number).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _sum(rows: Iterable[Row], name: str) -> Decimal | None:
    """Return the sum of a column without its nulls; null where there is nothing to add up."""
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values, ZERO) if values else None


def _roi(revenue: Decimal | None, cost: Decimal | None) -> Fraction | None:
    return ratio(revenue - cost, cost) if revenue is not None and cost is not None and cost > 0 else None


def _descending(number: Any) -> Any:
    """Return the key that puts large numbers first and nulls last."""
    return (1, 0) if number is None else (0, -number)


# Revenue and campaigns


def revenue_by_channel(company: Company) -> Rows:
    """1: what each channel's touches earned."""
    rows = [row for row in those(company.channel_roi, period=YEAR, model=company.model) if row["revenue"] != 0]
    return [(row["channel"], row["revenue"]) for row in sorted(rows, key=lambda row: (-row["revenue"], row["channel"]))]


def campaigns_that_pay(company: Company) -> Rows:
    """2: the campaigns with a return above zero under a model."""
    rows = [row for row in those(company.model_range, entity_kind="campaign", period=YEAR) if row["positive_models"] > 0]
    rows.sort(key=lambda row: (-row["positive_models"], -row["lowest"], row["entity"]))
    return [
        (
            company.campaign_name(row["entity"]),
            *(rounded(_times_100(row[end])) for end in ("lowest", "highest")),
            row["positive_models"],
            row["models"],
        )
        for row in rows
    ]


def roi_of_the_programme(company: Company) -> Rows:
    """3: all campaigns together."""
    own = [row for row in those(company.campaign_roi, period=YEAR, model=company.model) if not row["campaign_id"].startswith("(")]
    cost, revenue = _sum(own, "cost"), _sum(own, "revenue")
    return [(cost, revenue, rounded(_times_100(_roi(revenue, cost))))]


def lifetime_of_the_spring_fair(company: Company) -> Rows:
    """4: one campaign, all years."""
    fair = "c-fair-spring"
    rows = those(company.campaign_roi, campaign_id=fair, period_kind="year", model=company.model)
    cost, revenue = _sum(rows, "cost"), _sum(rows, "revenue")
    return [(company.campaign_name(fair), cost, revenue, _sum(rows, "won_deals"), rounded(_times_100(_roi(revenue, cost))))]


def realized_by_channel(company: Company) -> Rows:
    """5: what the touches of a quarter have brought so far."""
    rows = [row for row in those(company.channel_roi, period="2025-Q4", model=company.model) if (row["cost"] or 0) > 0]
    return [
        (row["channel"], row["cost"], row["realized_revenue"], rounded(_times_100(row["realized_roi"])), rounded(row["matured_pct"]))
        for row in sorted(rows, key=lambda row: -row["cost"])
    ]


def budgets(company: Company) -> Rows:
    """6: what was planned, at the rate of the first day, and what was spent."""
    config, rate = company.world.config, rates(company.world.settled, company.world.config)
    reporting = config.reporting.currency
    rows = []
    for campaign_id, event in company.campaigns.items():
        budget, currency, starts_on = event.get("budget"), event.get("currency"), event.get("starts_on")
        cost = _sum(those(company.world.books["cost_daily"], campaign_id=campaign_id), "cost_reporting")
        the_rate = rate(currency, reporting, starts_on) if budget is not None and starts_on is not None else None
        units = None if the_rate is None else converted(minor(budget, currency), currency, reporting, the_rate)
        planned = None if units is None else in_units(units, reporting)
        left = None if planned is None else planned - (cost or ZERO)
        spent = None if planned is None else ratio(100 * (cost or ZERO), planned)
        if budget is not None or cost is not None:
            name = company.campaign_name(campaign_id)
            rows.append((rounded(spent), campaign_id, (name, budget, currency if budget else None, planned, cost, left, rounded(spent))))
    return [row for _, _, row in sorted(rows, key=lambda row: (_descending(row[0]), row[1]))]


# Marketing's part


def share_over_the_models(company: Company) -> Rows:
    """7: the lowest, the median and the highest share over the models."""
    shares = [row["attributed_pct"] for row in those(company.marketing_share, period=YEAR, segment_kind="all")]
    target = company.world.config.marketing.target_pct
    return [(len(shares), rounded(min(shares)), rounded(quantile(shares, "0.5")), rounded(max(shares)), target)]


def sourced_or_influenced(company: Company) -> Rows:
    """8: six definitions of marketing's part."""
    (row,) = those(company.marketing_share, period=YEAR, segment_kind="all", model=company.model)
    names = ("won_revenue", "sourced_lead_source", "sourced_first_touch", "sourced_before_sales", "influenced", "coverage", "attributed")
    return [(*(row[name] for name in names), rounded(row["sourced_first_touch_pct"]), rounded(row["influenced_pct"]))]


def deals_of_the_share(company: Company) -> Rows:
    """9: the deals that marketing's touches earned a part of."""
    rows = [row for row in those(company.deal_share, period=YEAR, model=company.model) if row["attributed"] != 0]
    return [
        (
            company.deal_name(row["deal_id"]),
            row["segment"],
            row["won_revenue"],
            row["attributed"],
            rounded(percent(row["attributed"], row["won_revenue"])),
        )
        for row in sorted(rows, key=lambda row: (-row["attributed"], row["deal_id"]))[:8]
    ]


def share_by_segment(company: Company) -> Rows:
    """10: the share by type of deal, region and product."""
    kinds = ("deal_type", "region", "product")
    rows = those(company.marketing_share, period=YEAR, model=company.model, segment_kind=kinds)
    return [
        (*(row[name] for name in _SHARE), rounded(row["attributed_pct"]), rounded(row["gap_to_target"]))
        for row in sorted(rows, key=lambda row: (row["segment_kind"], row["segment"]))
    ]


_SHARE = ("segment_kind", "segment", "won_revenue", "attributed")


def open_pipeline(company: Company) -> Rows:
    """11: what is open, and what of it marketing began."""
    deals = those(company.deals.values(), status="open")
    belongs = {deal["deal_id"]: memberships(deal, company.world.books, company.world.config) for deal in deals}

    def of(measure: str) -> list[Row]:
        return [deal for deal in deals if measure in belongs[deal["deal_id"]]]

    sourced = (_sum(of(name), "amount_reporting") for name in ("sourced_first_touch", "sourced_before_sales", "sourced_lead_source"))
    return [(len(deals), _sum(deals, "amount_reporting"), len(of("sourced_first_touch")), *sourced)]


def created_by_channel(company: Company) -> Rows:
    """12: what pipeline the touches of each channel created."""
    rows = those(company.pipeline_created, period="2025-Q1", dimension_kind="channel", model=company.model)
    return [
        (row["dimension"], row["pipeline"], _to_cents(row["deals"]), rounded(row["share_pct"]))
        for row in sorted(rows, key=lambda row: (-row["pipeline"], row["dimension"]))
    ]


# Journeys


def _days(company: Company, deal: Row) -> Fraction | None:
    """Return the days from a deal's first touch to its close."""
    journey = company.journeys[deal["deal_id"]]
    return Fraction((deal["closed_at"] - journey[0]["touched_at"]) // dt.timedelta(microseconds=1), DAY) if journey else None


def days_to_revenue(company: Company) -> Rows:
    """13: how long it takes from the first touch to the close."""
    by_segment: dict[str, list[Fraction | None]] = {}
    for deal in company.closed_in(2025, "won"):
        by_segment.setdefault(named(deal["segment"]), []).append(_days(company, deal))
    return [(segment, len(days), *_median_and_p90(days)) for segment, days in sorted(by_segment.items())]


def _median_and_p90(days: Iterable[Fraction | None]) -> tuple[float | None, float | None]:
    known = [number for number in days if number is not None]
    return rounded(quantile(known, "0.5")), rounded(quantile(known, "0.9"))


def win_rate_by_source(company: Company) -> Rows:
    """14: win rate and cycle by lead source."""
    by_source: dict[str, list[Row]] = {}
    for deal in company.closed_in(2025, "won", "lost"):
        by_source.setdefault(named(deal["lead_source"]), []).append(deal)
    rows = []
    for source, deals in sorted(by_source.items()):
        won = those(deals, status="won")
        cycles = [max(0, (deal["closed_at"] - deal["opened_at"]) // dt.timedelta(microseconds=1)) for deal in won]
        mean = ratio(Fraction(sum(cycles), DAY), len(won))
        rows.append((source, len(won), len(deals) - len(won), rounded(Fraction(100 * len(won), len(deals))), rounded(mean)))
    return rows


def openers_and_closers(company: Company) -> Rows:
    """15: the first and the last touches of what was won."""
    of: dict[str, dict[str, Row]] = {}
    for row in those(company.channel_roi, period=YEAR, model=("first_touch", "last_touch")):
        of.setdefault(row["channel"], {})[row["model"]] = row
    rows = [(channel, *(row[model][name] for model in ("first_touch", "last_touch") for name in _WON)) for channel, row in of.items()]
    return sorted([row for row in rows if row[1] + row[3] > 0], key=lambda row: (-row[1], row[0]))


_WON = ("won_deals", "revenue")


def deals_of_a_campaign(company: Company) -> Rows:
    """16: the deals with a touch of a campaign in their journey."""
    campaign_id = "c-webinar-audit"
    touched = [company.deals[deal_id] for deal_id, journey in company.journeys.items() if those(journey, campaign_id=campaign_id)]
    touched.sort(key=lambda deal: (_descending(deal["amount_reporting"]), deal["deal_id"]))
    rows = []
    for deal in touched[:8]:
        journey = company.journeys[deal["deal_id"]]
        it_opened = journey[0]["campaign_id"] == campaign_id
        rows.append((company.deal_name(deal["deal_id"]), deal["status"], deal["amount_reporting"], len(journey), it_opened))
    return rows


def touches_of_a_deal(company: Company) -> Rows:
    """17: the touches of one deal, and what each earned."""
    lines: dict[int, list[Row]] = {}
    for credit in credits(company.world.books):
        if credit["deal_id"] == "D-00042" and credit["model"] == company.model:
            lines.setdefault(credit["ordinal"], []).append(credit)
    return [
        (
            ordinal,
            *(of[0][name] for name in ("channel", "kind", "team")),
            named(of[0]["campaign_id"]),
            of[0]["position"] or "(none)",
            _to_cents(100 * of[0]["weight"]),
            _sum(those(of, is_final=True), "revenue_reporting"),
        )
        for ordinal, of in sorted(lines.items())
    ]


def people_of_deals(company: Company) -> Rows:
    """18: how many persons touched the deals that were won."""
    rows = []
    for deal in company.closed_in(2025, "won"):
        journey = company.journeys[deal["deal_id"]]
        people = {touch["actor"] for touch in journey if (touch["actor"] or "visitor:").split(":")[0] != "visitor"}
        marketing = len(those(journey, team="marketing"))
        rows.append((-len(people), deal["deal_id"], len(journey), marketing))
    names = ((company.account_name(deal_id), company.deal_name(deal_id), -people, *counts) for people, deal_id, *counts in sorted(rows))
    return list(names)[:8]


# Leads


def origin_of_mqls(company: Company) -> Rows:
    """19: which touches led to MQLs."""
    counts = Counter((row["channel"], row["campaign_id"]) for row in company.qualified_in(2025))
    return [(*origin, count) for origin, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))][:12]


def cost_of_leads(company: Company) -> Rows:
    """20: what a qualified lead and a won deal cost, by channel."""
    rows = [row for row in those(company.channel_roi, period=YEAR, model=company.model) if (row["cost"] or 0) > 0]
    return [
        (
            *(row[name] for name in ("channel", "cost", "mqls")),
            rounded(row["cost_per_mql"], 2),
            row["sqls"],
            rounded(row["cost_per_sql"], 2),
            _to_cents(row["attributed_deals"]),
            rounded(row["cost_per_won_deal"], 2),
        )
        for row in sorted(rows, key=lambda row: -row["cost"])
    ]


def inquiry_to_customer(company: Company) -> Rows:
    """21: what became of the inquiries of each quarter."""
    where = {"view": "cohort", "period_kind": "quarter", "segment_kind": "all", "from_stage": "inquiry", "to_stage": "customer"}
    return [
        (
            *(row[name] for name in ("period", "entered", "converted", "exited", "open")),
            *(rounded(_times_100(row[name])) for name in ("rate", "rate_low", "rate_high")),
        )
        for row in sorted(those(company.funnel, **where), key=lambda row: row["period"])
    ]


def agreement_on_leads(company: Company) -> Rows:
    """22: how the answers of sales go with the rule of a good lead."""
    names = ("qualified_accepted", "qualified_rejected", "unqualified_accepted", "unqualified_rejected", "unanswered")
    rows = [row for row in those(company.lead_agreement, period_kind="quarter", segment_kind="all") if row["period"] >= "2024-Q4"]
    return [
        (row["period"], row["rule_id"], *(row[name] for name in names), rounded(row["agreement_pct"]))
        for row in sorted(rows, key=lambda row: (row["period"], row["rule_id"]))
    ]


def kept_slas(company: Company) -> Rows:
    """23: how often leads were answered too late, and whose."""
    rows = those(company.lead_sla_summary, period=YEAR, segment_kind=("all", "segment"))
    return [
        (*(row[name] for name in _SLA), rounded(row["breach_pct"]), rounded(row["median_hours"]))
        for row in sorted(rows, key=lambda row: (row["rule_id"], row["segment_kind"], row["segment"]))
    ]


_SLA = ("rule_id", "segment_kind", "segment", "handed", "decided", "breached")


def reasons_of_rejections(company: Company) -> Rows:
    """24: why MQLs were rejected."""
    counts = Counter(row["exit_reason"] for row in company.qualified_in(2025) if row["exit"] == "rejected")
    return sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or ""))


# Sales


def improvised_exceptions(company: Company) -> Rows:
    """25: how often sales left the process, and what money that puts at risk."""
    rows = those(company.exception_cost, period=YEAR, segment_kind="all")
    return [
        (*(row[name] for name in ("rule", "exceptions", "deals", "money_at_risk")), rounded(_times_100(row["share_of_revenue"])))
        for row in sorted(rows, key=lambda row: (-row["money_at_risk"], row["rule"]))
    ]


def who_keeps_the_crm(company: Company) -> Rows:
    """26: how many of the records of each owner pass."""
    rows = those(company.crm_adherence, period="2025-Q4", segment_kind="owner", check="all")
    rows.sort(key=lambda row: (-Fraction(row["passed"], row["applicable"]), row["segment"]))
    return [(row["segment"], row["passed"], row["applicable"], rounded(row["score"])) for row in rows]


def failing_records(company: Company) -> Rows:
    """26: the records that fail."""
    rows = [row for row in those(company.crm_adherence_failure, period="2025-Q4") if row["deal_id"] is not None]
    return sorted((row["check"], row["deal_id"], company.deals[row["deal_id"]]["owner"]) for row in rows)[:8]


def cost_of_customers(company: Company) -> Rows:
    """27: what customers cost."""
    rows = [row for row in those(company.cac, period_kind=("quarter", "year")) if "2024" <= row["period"] <= "2026"]
    return [
        (
            *(row[name] for name in ("period", "cost", "new_customers")),
            rounded(row["cac"], 2),
            rounded(row["revenue_per_customer"], 2),
            rounded(row["payback_months"]),
            row["reason"],
        )
        for row in sorted(rows, key=lambda row: (row["period_kind"], row["period"]))
    ]


# Trust


def held_money(company: Company) -> Rows:
    """28: what is in no figure."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in company.world.books["held"]:
        groups.setdefault((row["kind"], row["reason"], row["currency"]), []).append(row)
    return [(*key, len(rows), _sum(rows, "amount"), ", ".join(sorted(row["id"] for row in rows))) for key, rows in sorted(groups.items())]


def bookings_and_rates(company: Company) -> Rows:
    """29: what was booked, in its own currency and in that of the reports."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for entry in company.entries_between(dt.date(2025, 10, 1), dt.date(2025, 12, 31)):
        groups.setdefault((f"{entry['booked_on']:%Y-%m}", entry["currency"]), []).append(entry)
    rows = []
    for key, entries in sorted(groups.items()):
        amount, reporting = _sum(entries, "amount"), _sum(entries, "amount_reporting")
        rows.append((*key, len(entries), amount, reporting, rounded(None if reporting is None else ratio(reporting, amount), 6)))
    return rows


def changes_since_the_lock(before: Company, after: Company, quarter: str, events: Iterable[dict[str, Any]]) -> Rows:
    """30: per deal why its credits changed, what they gained and lost in a quarter, and what became of its bookings on later days."""
    period = span("quarter", quarter, before.world.config)
    old, new = _credit_by_key(before), _credit_by_key(after)
    changed: dict[str, list[tuple[bool, Decimal]]] = {}
    for key in {*old, *new}:
        deal_id, booked_on, run_booked_on = key[:3]
        is_inside, by = _is_in(booked_on, period), new.get(key, ZERO) - old.get(key, ZERO)
        if by != 0 and (is_inside or _is_in(run_booked_on, period)):
            changed.setdefault(deal_id, []).append((is_inside, by))
    causes = _causes(before, events)
    return [(deal_id, tuple(sorted(causes[deal_id])), *_gained_lost_later(changes)) for deal_id, changes in sorted(changed.items())]


def _gained_lost_later(changes: Iterable[tuple[bool, Decimal]]) -> tuple[Decimal, Decimal, Decimal]:
    told = list(changes)
    inside = [by for is_inside, by in told if is_inside]
    gained, lost = (by for by in inside if by > 0), (by for by in inside if by < 0)
    return sum(gained, ZERO), sum(lost, ZERO), sum((by for is_inside, by in told if not is_inside), ZERO)


def _is_in(day: dt.date, period: tuple[dt.date, dt.date]) -> bool:
    return period[0] <= day <= period[1]


def _credit_by_key(company: Company) -> dict[tuple[Any, ...], Decimal]:
    """Return the final credits of the default model by deal, day, day of the booking that began the run, touch and kind of entry."""
    began: dict[tuple[str, int], dt.date] = {}
    for entry in sorted(those(company.world.books["entry"], is_final=True), key=lambda entry: (entry["deal_id"], entry["entry_no"])):
        begins, number = entry["entry"] in ("booking", "rebooking"), entry["entry_no"]
        began[entry["deal_id"], number] = entry["booked_on"] if begins else began[entry["deal_id"], number - 1]
    found: dict[tuple[Any, ...], Decimal] = {}
    for credit in credits(company.world.books):
        if credit["model"] == company.model and credit["is_final"] and credit["revenue_reporting"] is not None:
            run = began[credit["deal_id"], credit["entry_no"]]
            key = (credit["deal_id"], credit["booked_on"], run, credit["touch_source"], credit["touch_id"], credit["entry"])
            found[key] = found.get(key, ZERO) + credit["revenue_reporting"]
    return found


def _causes(before: Company, events: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """Return what was said of each deal: of the deal itself, of its money, or of a touch in its journey."""
    causes: dict[str, set[str]] = {}
    for event in events:
        kind, data = event["type"].split(".")[1], event["data"]
        if kind == "touch-retraction":
            for deal_id, journey in before.journeys.items():
                if those(journey, touch_source=data["touch_source"], touch_id=data["touch_id"]):
                    causes.setdefault(deal_id, set()).add("retraction")
        else:
            cause = "adjustment" if kind == "adjustment" else "deletion" if data.get("deleted") else "amendment"
            causes.setdefault(data["deal_id"], set()).add(cause)
    return causes
