-- grain: one row per period, campaign and model
WITH period AS (
    SELECT day, period_kind, period FROM core.period
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

campaign AS (
    SELECT campaign_id, name, channel FROM core.campaign
),

cost AS (
    SELECT period_kind, period, campaign_id, sum(cost_reporting)::DECIMAL(38, 3) AS cost
    FROM core.cost_daily JOIN period USING (day)
    GROUP BY ALL
),

credit AS (
    SELECT
        period_kind, period, campaign_id, model,
        sum(revenue_reporting) FILTER (basis = 'booked') AS revenue,
        sum(revenue_reporting) FILTER (basis = 'made') AS realized_revenue,
        sum(revenue_reporting) FILTER (basis = 'pending') AS pipeline,
        bool_or(basis <> 'pending') AS is_dated
    FROM core.credit_daily JOIN period USING (day)
    GROUP BY ALL
),

won AS (
    SELECT period_kind, period, campaign_id, model, count(*) AS won_deals
    FROM (
        SELECT DISTINCT
            line.deal_id, line.model, deal.closed_on AS day,
            CASE WHEN line.ordinal = 0 THEN '(unattributed)' ELSE coalesce(touch.campaign_id, '(none)') END AS campaign_id
        FROM core.credit_line AS line
        JOIN core.deal AS deal ON deal.deal_id = line.deal_id
        LEFT JOIN core.journey_touch AS touch
            ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
        WHERE deal.status = 'won' AND line.entry_no = 1
    )
    JOIN period USING (day)
    GROUP BY ALL
),

-- a row for every campaign with cost, revenue or the touches of revenue in the period, with every model
spine AS (
    SELECT period_kind, period, campaign_id, model
    FROM (
        SELECT period_kind, period, campaign_id FROM cost
        UNION
        SELECT period_kind, period, campaign_id FROM credit WHERE is_dated
    ), model
),

figure AS (
    SELECT
        period_kind, period, model, campaign_id, cost,
        coalesce(revenue, 0)::DECIMAL(38, 3) AS revenue,
        coalesce(realized_revenue, 0)::DECIMAL(38, 3) AS realized_revenue,
        coalesce(pipeline, 0)::DECIMAL(38, 3) AS pipeline,
        coalesce(won_deals, 0) AS won_deals
    FROM spine
    LEFT JOIN cost USING (period_kind, period, campaign_id)
    LEFT JOIN credit USING (period_kind, period, campaign_id, model)
    LEFT JOIN won USING (period_kind, period, campaign_id, model)
)

SELECT
    period_kind, period, model, campaign_id, coalesce(campaign.name, campaign_id) AS campaign_name, campaign.channel, cost, revenue,
    CASE WHEN cost > 0 THEN (revenue - cost) / cost END AS roi,
    CASE WHEN cost > 0 THEN revenue / cost END AS roas,
    realized_revenue,
    CASE WHEN cost > 0 THEN (realized_revenue - cost) / cost END AS realized_roi,
    CASE WHEN cost IS NULL THEN 'no_cost' WHEN cost = 0 THEN 'zero_cost' WHEN cost < 0 THEN 'negative_cost' END AS roi_reason,
    won_deals, pipeline
FROM figure
LEFT JOIN campaign USING (campaign_id)
ORDER BY period_kind, period, model, campaign_id
