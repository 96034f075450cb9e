-- check: campaigns_add_up_to_won_revenue
-- reason: Finance must find the same revenue in the campaigns as in the deals.
-- severity: critical
WITH campaign AS (
    SELECT period_kind, period, model, sum(revenue) AS revenue FROM marts.campaign_roi GROUP BY ALL
),

-- what was booked in each period, once for each model
booked AS (
    SELECT period_kind, period, model, sum(amount_reporting) AS won_revenue
    FROM core.entry
    JOIN core.period ON period.day = entry.booked_on
    CROSS JOIN (SELECT unnest(models) AS model FROM core.setting)
    WHERE is_final
    GROUP BY ALL
)

SELECT period_kind, period, model, revenue, won_revenue
FROM campaign
FULL JOIN booked USING (period_kind, period, model)
WHERE coalesce(revenue, 0) <> coalesce(won_revenue, 0)

-- check: campaigns_add_up_to_marketing_share
-- reason: The two reports that management lays side by side name one won revenue.
-- severity: critical
WITH campaign AS (
    SELECT period_kind, period, model, sum(revenue) AS revenue FROM marts.campaign_roi GROUP BY ALL
),

share AS (
    SELECT period_kind, period, model, won_revenue FROM marts.marketing_share WHERE segment_kind = 'all' AND period_kind <> 'ttm'
)

SELECT period_kind, period, model, revenue, won_revenue
FROM campaign
FULL JOIN share USING (period_kind, period, model)
WHERE coalesce(revenue, 0) <> coalesce(won_revenue, 0)

-- check: costs_add_up_to_spend
-- reason: Spend that drops out of the table makes every ROI look better than it is.
-- severity: critical
WITH campaign AS (
    SELECT period_kind, period, model, coalesce(sum(cost), 0) AS cost FROM marts.campaign_roi GROUP BY ALL
),

spend AS (
    SELECT period_kind, period, model, sum(cost_reporting) AS spend
    FROM core.cost_daily
    JOIN core.period USING (day)
    CROSS JOIN (SELECT unnest(models) AS model FROM core.setting)
    GROUP BY ALL
)

SELECT period_kind, period, model, cost, spend
FROM campaign
FULL JOIN spend USING (period_kind, period, model)
WHERE coalesce(cost, 0) <> coalesce(spend, 0)

-- check: roi_or_its_reason
-- reason: An empty ROI without a reason is taken for zero.
-- severity: critical
SELECT period_kind, period, model, campaign_id, cost, roi, roi_reason FROM marts.campaign_roi WHERE (roi IS NULL) = (roi_reason IS NULL)

-- check: unattributed_revenue_is_not_realized
-- reason: Revenue without a touch was realized by no touch.
-- severity: critical
SELECT period_kind, period, model, realized_revenue
FROM marts.campaign_roi
WHERE campaign_id = '(unattributed)' AND realized_revenue <> 0
