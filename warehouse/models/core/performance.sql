-- grain: one row per period, key and model; a key is a campaign, a channel, or a campaign with its children, and has a row where it has
-- cost, credit booked, touches of final credit, pipeline or a won deal in the period, with every model
WITH period AS (
    SELECT DISTINCT
        marts.month_of(day) AS month, period_kind, period, starts_on AS period_start, ends_on AS period_end
    FROM core.period
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

ancestor AS (
    SELECT campaign_id, ancestor_id FROM core.campaign_ancestor
),

cost AS (
    SELECT marts.month_of(day) AS month, campaign_id, coalesce(channel, '(none)') AS channel, sum(cost_reporting) AS cost
    FROM core.cost_daily
    GROUP BY ALL
),

credit AS (
    SELECT
        month, model, campaign_id, channel,
        sum(revenue_reporting) FILTER (basis = 'booked') AS revenue,
        sum(revenue_reporting) FILTER (basis = 'made') AS realized_revenue,
        sum(revenue_reporting) FILTER (basis = 'pending') AS pipeline
    FROM core.credit_month
    GROUP BY ALL
),

-- numbers are compared faster than names
deal AS (
    SELECT deal_id, row_number() OVER ()::INTEGER AS deal_no FROM core.deal
),

-- a month has all of a deal that is won in it, so that what is counted here adds up to longer periods
won AS MATERIALIZED (
    SELECT marts.month_of(closed_on) AS month, model, campaign_key AS campaign_id, channel, deal_no, weight
    FROM core.credit
    JOIN deal USING (deal_id)
    WHERE deal_status = 'won' AND entry_no = 1
),

money AS (
    SELECT month, model, campaign_id, channel, revenue, realized_revenue, pipeline FROM credit
    UNION ALL BY NAME
    SELECT month, model, campaign_id, channel, cost FROM cost CROSS JOIN model
),

money_of_key AS (
    SELECT
        if(grouping(campaign_id) = 0, 'campaign', 'channel') AS key_kind, if(grouping(campaign_id) = 0, campaign_id, channel) AS key,
        month, model, sum(COLUMNS('^(cost|revenue|realized_revenue|pipeline)$'))
    FROM money
    GROUP BY GROUPING SETS ((month, model, campaign_id), (month, model, channel))
),

won_of_key AS (
    SELECT 'campaign' AS key_kind, campaign_id AS key, month, model, deal_no, weight FROM won
    UNION ALL
    SELECT 'channel', channel, month, model, deal_no, weight FROM won
    UNION ALL
    SELECT 'campaign_tree', ancestor_id, month, model, deal_no, weight FROM won JOIN ancestor USING (campaign_id)
),

measure AS (
    FROM money_of_key
    UNION ALL BY NAME
    SELECT money_of_key.* REPLACE ('campaign_tree' AS key_kind, ancestor_id AS key)
    FROM money_of_key
    JOIN ancestor ON ancestor.campaign_id = money_of_key.key
    WHERE key_kind = 'campaign'
    UNION ALL BY NAME
    SELECT key_kind, key, month, model, count(DISTINCT deal_no) AS won_deals, sum(weight) AS attributed_deals
    FROM won_of_key
    GROUP BY ALL
),

in_period AS (
    SELECT
        period_kind, period, period_start, period_end, key_kind, key, model,
        sum(COLUMNS('^(cost|revenue|realized_revenue|pipeline|won_deals|attributed_deals)$'))
    FROM measure
    JOIN period USING (month)
    GROUP BY ALL
),

occurring AS (
    SELECT DISTINCT period_kind, period, period_start, period_end, key_kind, key FROM in_period
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, key_kind, key, model, cost,
        coalesce(COLUMNS('^(revenue|realized_revenue|pipeline|won_deals|attributed_deals)$'), 0)
    FROM occurring
    CROSS JOIN model
    LEFT JOIN in_period USING (period_kind, period, period_start, period_end, key_kind, key, model)
)

SELECT * FROM final
