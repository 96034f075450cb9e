"""What must hold in the published tables: each expectation with its business reason, one suite per table.

Every expectation is a SELECT of the rows that break it, so that a failure names its rows. A critical one stops publishing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SUITES", "Expected", "Suite"]

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Expected:
    """One expectation: `breaking` selects the rows that break it, from `{batch}`."""

    name: str
    reason: str
    breaking: str
    severity: Severity = "critical"


@dataclass(frozen=True)
class Suite:
    """The expectations of one table."""

    table: str
    expected: tuple[Expected, ...]


# What was booked in each period, once for each model: the revenue that every report is held against.
_WON = (
    "SELECT period_kind, period, model, sum(amount_reporting) AS won_revenue FROM core.entry "
    "JOIN core.period ON day = booked_on CROSS JOIN (SELECT unnest(models) AS model FROM core.setting) WHERE is_final GROUP BY ALL"
)
_MEASURES = ("attributed", "sourced_lead_source", "sourced_first_touch", "sourced_before_sales", "influenced", "coverage")


def _odd_percentage(measure: str) -> str:
    """Return the condition of a measure whose percentage, of revenue or of deals, is not that of its amount."""
    return " OR ".join(
        f"({part}_pct IS NULL) <> ({whole} = 0) OR abs({part}_pct * {whole} - 100 * {part}) > 0.000001 * (1 + abs({whole}))"
        for part, whole in ((measure, "won_revenue"), (f"{measure}_deals", "won_deals"))
    )


_CREDIT = Suite(
    "core.credit",
    (
        Expected(
            "credits_of_an_entry_add_up_to_it",
            "Revenue neither disappears nor is invented: what a model credits is what was booked.",
            "SELECT c.deal_id, c.entry_no, c.model, c.credited, c.credited_reporting, e.amount, e.amount_reporting FROM "
            "(SELECT deal_id, entry_no, model, sum(revenue) AS credited, sum(revenue_reporting) AS credited_reporting "
            "FROM {batch} GROUP BY ALL) AS c JOIN core.entry AS e ON e.deal_id = c.deal_id AND e.entry_no = c.entry_no "
            "WHERE c.credited IS DISTINCT FROM e.amount OR c.credited_reporting IS DISTINCT FROM e.amount_reporting",
        ),
        Expected(
            "every_entry_is_credited_by_every_model",
            "A deal that a model forgets makes its shares look better than they are.",
            "SELECT e.deal_id, e.entry_no, m.model FROM core.entry AS e CROSS JOIN (SELECT unnest(models) AS model FROM core.setting) AS m "
            "WHERE NOT EXISTS (SELECT 1 FROM {batch} AS c WHERE c.deal_id = e.deal_id AND c.entry_no = e.entry_no AND c.model = m.model)",
        ),
        Expected(
            "weights_are_shares",
            "A touch earns more than nothing and at most the whole deal.",
            "SELECT model, deal_id, ordinal, entry_no, weight FROM {batch} WHERE weight IS NULL OR weight < 0 OR weight > 1",
        ),
        Expected(
            "weights_of_a_deal_add_up_to_one",
            "A deal is shared out whole, whatever its amount: shares above or below one would count it more or less than once.",
            # each weight is rounded to twelve decimals: a journey of thousands of touches may be off by more than 1e-9
            "SELECT model, deal_id, entry_no, sum(weight) AS weights FROM {batch} GROUP BY ALL "
            "HAVING abs(sum(weight) - 1) > 1e-9 + count(*) * 5e-13",
        ),
        Expected(
            "credit_is_there_once",
            "A touch that is credited twice for one entry takes what others earned.",
            "SELECT model, deal_id, ordinal, entry_no, count(*) AS found FROM {batch} GROUP BY ALL HAVING count(*) > 1",
        ),
        Expected(
            "final_credit_has_a_date",
            "Money without a date is in no period and would be missing from every figure.",
            "SELECT model, deal_id, entry_no FROM {batch} WHERE is_final AND booked_on IS NULL",
        ),
        Expected(
            "credit_is_converted",
            "Held money is in no figure: rates are missing.",
            "SELECT DISTINCT deal_id, entry_no, currency FROM {batch} WHERE revenue_reporting IS NULL",
            "warning",
        ),
    ),
)

_DEAL = Suite(
    "core.deal",
    (
        Expected(
            "deal_is_there_once",
            "A deal counted twice doubles its revenue.",
            "SELECT deal_id, count(*) AS deals FROM {batch} GROUP BY deal_id HAVING count(*) > 1",
        ),
        Expected(
            "won_deal_has_amount_and_close",
            "A won deal without an amount, a currency or a close date cannot be booked.",
            "SELECT deal_id, amount, currency, closed_at FROM {batch} "
            "WHERE status = 'won' AND (amount IS NULL OR currency IS NULL OR closed_at IS NULL)",
        ),
        Expected(
            "deal_closes_after_it_opens",
            "A sales cycle below zero days is an error of the CRM that moves revenue between periods.",
            "SELECT deal_id, opened_at, closed_at FROM {batch} WHERE closed_at < opened_at",
            "warning",
        ),
        Expected(
            "segment_is_not_named_all",
            "'all' is the total of the segments; a segment of that name would be counted twice.",
            "SELECT deal_id, segment FROM {batch} WHERE segment IN ('all', '(none)')",
        ),
    ),
)

_CAMPAIGN_ROI = Suite(
    "marts.campaign_roi",
    (
        Expected(
            "campaigns_add_up_to_won_revenue",
            "Finance must find the same revenue in the campaigns as in the deals.",
            "SELECT period_kind, period, model, b.revenue, w.won_revenue FROM "
            "(SELECT period_kind, period, model, sum(revenue) AS revenue FROM {batch} GROUP BY ALL) AS b FULL JOIN "
            f"({_WON}) AS w USING (period_kind, period, model) WHERE coalesce(b.revenue, 0) <> coalesce(w.won_revenue, 0)",
        ),
        Expected(
            "campaigns_add_up_to_marketing_share",
            "The two reports that management lays side by side name one won revenue.",
            "SELECT period_kind, period, model, b.revenue, s.won_revenue FROM "
            "(SELECT period_kind, period, model, sum(revenue) AS revenue FROM {batch} GROUP BY ALL) AS b FULL JOIN "
            "(SELECT period_kind, period, model, won_revenue FROM marts.marketing_share WHERE segment = 'all') AS s "
            "USING (period_kind, period, model) WHERE coalesce(b.revenue, 0) <> coalesce(s.won_revenue, 0)",
        ),
        Expected(
            "costs_add_up_to_spend",
            "Spend that drops out of the table makes every ROI look better than it is.",
            "SELECT period_kind, period, model, b.cost, s.spend FROM "
            "(SELECT period_kind, period, model, coalesce(sum(cost), 0) AS cost FROM {batch} GROUP BY ALL) AS b FULL JOIN "
            "(SELECT period_kind, period, model, sum(cost_reporting) AS spend FROM core.cost_daily JOIN core.period USING (day) "
            "CROSS JOIN (SELECT unnest(models) AS model FROM core.setting) GROUP BY ALL) AS s "
            "USING (period_kind, period, model) WHERE coalesce(b.cost, 0) <> coalesce(s.spend, 0)",
        ),
        Expected(
            "campaign_is_there_once",
            "A repeated row doubles the campaign in every sum.",
            "SELECT period_kind, period, model, campaign_id, count(*) AS found FROM {batch} GROUP BY ALL HAVING count(*) > 1",
        ),
        Expected(
            "roi_or_its_reason",
            "An empty ROI without a reason is taken for zero.",
            "SELECT period_kind, period, model, campaign_id, cost, roi, roi_reason FROM {batch} WHERE (roi IS NULL) = (roi_reason IS NULL)",
        ),
        Expected(
            "unattributed_revenue_is_not_realized",
            "Revenue without a touch was realized by no touch.",
            "SELECT period_kind, period, model, realized_revenue FROM {batch} "
            "WHERE campaign_id = '(unattributed)' AND realized_revenue <> 0",
        ),
    ),
)

_SHARE = Suite(
    "marts.marketing_share",
    (
        Expected(
            "segments_add_up_to_all",
            "The total that management sees is the sum of what the segments' owners see.",
            "SELECT period_kind, period, model, sum(won_revenue) FILTER (segment_kind = 'all') AS total, "
            "sum(won_revenue) FILTER (segment_kind = 'segment') AS segments FROM {batch} GROUP BY ALL "
            "HAVING sum(won_revenue) FILTER (segment_kind = 'all') IS DISTINCT FROM sum(won_revenue) FILTER (segment_kind = 'segment') "
            "OR sum(attributed) FILTER (segment_kind = 'all') IS DISTINCT FROM sum(attributed) FILTER (segment_kind = 'segment') "
            "OR sum(won_deals) FILTER (segment_kind = 'all') IS DISTINCT FROM sum(won_deals) FILTER (segment_kind = 'segment')",
        ),
        Expected(
            "won_revenue_is_what_was_booked",
            "The share is a share of the revenue that finance knows.",
            "SELECT period_kind, period, model, b.won_revenue, w.won_revenue AS booked FROM "
            f"(SELECT * FROM {{batch}} WHERE segment = 'all') AS b FULL JOIN ({_WON}) AS w USING (period_kind, period, model) "
            "WHERE coalesce(b.won_revenue, 0) <> coalesce(w.won_revenue, 0)",
        ),
        Expected(
            "segment_is_there_once",
            "A repeated row doubles its segment in every sum.",
            "SELECT period_kind, period, segment, model, count(*) AS found FROM {batch} GROUP BY ALL HAVING count(*) > 1",
        ),
        Expected(
            "percentages_follow_from_their_amounts",
            "The percentage is what is quoted; it must be that of the amounts beside it, and absent where there is nothing to share.",
            f"SELECT period_kind, period, segment, model FROM {{batch}} WHERE {' OR '.join(map(_odd_percentage, _MEASURES))}",
        ),
        Expected(
            "deals_are_nested",
            "A deal that marketing sourced was influenced by it, and one that was influenced has a touch.",
            "SELECT period_kind, period, segment, model FROM {batch} WHERE sourced_first_touch_deals > influenced_deals "
            "OR sourced_before_sales_deals > influenced_deals OR influenced_deals > coverage_deals OR coverage_deals > won_deals",
        ),
        Expected(
            "target_is_reached",
            "Below the target: not an error of the figures, but somebody should know.",
            "SELECT period, model, attributed_pct, target_pct FROM {batch} WHERE segment = 'all' AND period_kind = 'year' "
            "AND model = (SELECT default_model FROM core.setting) AND gap_to_target < 0",
            "warning",
        ),
    ),
)

SUITES = (_CREDIT, _DEAL, _CAMPAIGN_ROI, _SHARE)
