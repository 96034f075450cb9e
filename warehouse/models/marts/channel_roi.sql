-- grain: one row per period, channel and model
WITH period AS (
    SELECT day, period_kind, period FROM core.period
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

cost AS (
    SELECT period_kind, period, coalesce(channel, '(none)') AS channel, sum(cost_reporting)::DECIMAL(38, 3) AS cost
    FROM core.cost_daily JOIN period USING (day)
    GROUP BY ALL
),

credit AS (
    SELECT
        period_kind, period, channel, model,
        sum(revenue_reporting) FILTER (basis = 'booked') AS revenue,
        sum(revenue_reporting) FILTER (basis = 'made') AS realized_revenue,
        sum(revenue_reporting) FILTER (basis = 'pending') AS pipeline,
        bool_or(basis <> 'pending') AS is_dated
    FROM core.credit_daily JOIN period USING (day)
    GROUP BY ALL
),

won AS (
    SELECT period_kind, period, channel, model, count(*) AS won_deals
    FROM (
        SELECT DISTINCT line.deal_id, line.model, deal.closed_on AS day, coalesce(touch.channel, 'unattributed') AS channel
        FROM core.credit_line AS line
        JOIN core.deal AS deal ON deal.deal_id = line.deal_id
        LEFT JOIN core.journey_touch AS touch
            ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
        WHERE deal.status = 'won' AND line.entry_no = 1
    )
    JOIN period USING (day)
    GROUP BY ALL
),

spine AS (
    SELECT period_kind, period, channel, model
    FROM (
        SELECT period_kind, period, channel FROM cost
        UNION
        SELECT period_kind, period, channel FROM credit WHERE is_dated
    ), model
),

figure AS (
    SELECT
        period_kind, period, model, channel, cost,
        coalesce(revenue, 0)::DECIMAL(38, 3) AS revenue,
        coalesce(realized_revenue, 0)::DECIMAL(38, 3) AS realized_revenue,
        coalesce(pipeline, 0)::DECIMAL(38, 3) AS pipeline,
        coalesce(won_deals, 0) AS won_deals
    FROM spine
    LEFT JOIN cost USING (period_kind, period, channel)
    LEFT JOIN credit USING (period_kind, period, channel, model)
    LEFT JOIN won USING (period_kind, period, channel, model)
)

SELECT
    period_kind, period, model, channel, cost, revenue,
    CASE WHEN cost > 0 THEN (revenue - cost) / cost END AS roi,
    CASE WHEN cost > 0 THEN revenue / cost END AS roas,
    realized_revenue,
    CASE WHEN cost > 0 THEN (realized_revenue - cost) / cost END AS realized_roi,
    CASE WHEN cost IS NULL THEN 'no_cost' WHEN cost = 0 THEN 'zero_cost' WHEN cost < 0 THEN 'negative_cost' END AS roi_reason,
    won_deals, pipeline
FROM figure
ORDER BY period_kind, period, model, channel
