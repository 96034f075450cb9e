-- grain: one row per period, key and model; a key is a campaign or a channel, and has a row where it has cost, credit booked, touches of
-- final credit, pipeline or a won deal in the period, with every model
WITH period AS (
    SELECT day, period_kind, period FROM core.period
),

span AS (
    SELECT DISTINCT period_kind, period, starts_on AS period_start, ends_on AS period_end FROM core.period
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

cost AS (
    SELECT period_kind, period, model, campaign_id, coalesce(channel, '(none)') AS channel, sum(cost_reporting) AS cost
    FROM core.cost_daily
    JOIN period USING (day)
    CROSS JOIN model
    GROUP BY ALL
),

credit AS (
    SELECT
        period_kind, period, model, campaign_id, channel,
        sum(revenue_reporting) FILTER (basis = 'booked') AS revenue,
        sum(revenue_reporting) FILTER (basis = 'made') AS realized_revenue,
        sum(revenue_reporting) FILTER (basis = 'pending') AS pipeline
    FROM core.credit_daily
    JOIN period USING (day)
    GROUP BY ALL
),

-- once for each campaign and channel, before its periods multiply it
won AS (
    SELECT DISTINCT closed_on AS day, model, campaign_key AS campaign_id, channel, deal_id
    FROM core.credit
    WHERE deal_status = 'won' AND entry_no = 1
),

measure AS (
    FROM cost
    UNION ALL BY NAME
    FROM credit
    UNION ALL BY NAME
    SELECT * EXCLUDE (day) FROM won JOIN period USING (day)
),

keyed AS (
    SELECT
        period_kind, period, model,
        if(grouping(campaign_id) = 0, 'campaign', 'channel') AS key_kind,
        if(grouping(campaign_id) = 0, campaign_id, channel) AS key,
        sum(cost) AS cost, sum(revenue) AS revenue, sum(realized_revenue) AS realized_revenue, sum(pipeline) AS pipeline,
        count(DISTINCT deal_id) AS won_deals
    FROM measure
    GROUP BY GROUPING SETS ((period_kind, period, model, campaign_id), (period_kind, period, model, channel))
),

occurring AS (
    SELECT DISTINCT period_kind, period, key_kind, key FROM keyed
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, key_kind, key, model, cost,
        coalesce(COLUMNS('^(revenue|realized_revenue|pipeline|won_deals)$'), 0)
    FROM occurring
    CROSS JOIN model
    JOIN span USING (period_kind, period)
    LEFT JOIN keyed USING (period_kind, period, key_kind, key, model)
)

SELECT * FROM final
