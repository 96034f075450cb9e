-- check: channels_add_up_to_campaigns
-- reason: Two ways to cut one cake: the channels of a period cost and brought what its campaigns did.
-- severity: critical
WITH channel AS (
    SELECT
        period_kind, period, model, sum(cost) AS channel_cost, sum(revenue) AS channel_revenue,
        sum(realized_revenue) AS channel_realized_revenue
    FROM marts.channel_roi
    GROUP BY ALL
),

campaign AS (
    SELECT period_kind, period, model, sum(cost) AS cost, sum(revenue) AS revenue, sum(realized_revenue) AS realized_revenue
    FROM marts.campaign_roi
    GROUP BY ALL
)

SELECT period_kind, period, model, channel_cost, cost, channel_revenue, revenue, channel_realized_revenue, realized_revenue
FROM channel
FULL JOIN campaign USING (period_kind, period, model)
WHERE channel_cost IS DISTINCT FROM cost
    OR channel_revenue IS DISTINCT FROM revenue
    OR channel_realized_revenue IS DISTINCT FROM realized_revenue

-- check: channel_roi_or_its_reason
-- reason: An empty ROI without a reason is taken for zero.
-- severity: critical
SELECT period_kind, period, model, channel, cost, roi, roi_reason FROM marts.channel_roi WHERE (roi IS NULL) = (roi_reason IS NULL)
