-- grain: one row per deal, month with revenue or its close, and model
WITH model AS (
    SELECT unnest(models) AS model FROM core.setting
),

-- the weights of a deal are the same in all its entries; a won deal always has the first
credit AS MATERIALIZED (
    SELECT
        model, deal_id, entry_no, is_final, booked_on, deal_status, closed_on,
        sum(revenue_reporting) FILTER (team = 'marketing') AS attributed,
        bool_and(team IS NOT DISTINCT FROM 'marketing') AS is_whole, sum(weight) FILTER (team = 'marketing') AS weight
    FROM core.credit
    WHERE deal_status = 'won' OR is_final
    GROUP BY ALL
),

-- money that is held is dated nowhere
revenue AS (
    SELECT deal_id, marts.month_of(booked_on) AS month, sum(amount_reporting) AS won_revenue
    FROM core.entry
    WHERE is_final AND amount_reporting IS NOT NULL
    GROUP BY ALL
),

won AS (
    SELECT deal_id, marts.month_of(closed_on) AS month, 1 AS won_deals FROM core.deal WHERE status = 'won'
),

attributed AS (
    SELECT model, deal_id, marts.month_of(booked_on) AS month, sum(attributed) AS attributed
    FROM credit
    WHERE is_final
    GROUP BY ALL
),

-- rounded as they are, weights may add up to a little more or less than the whole deal: one that is all marketing's is one
weight AS (
    SELECT
        model, deal_id, marts.month_of(closed_on) AS month, if(is_whole, 1, least(1, coalesce(weight, 0))) AS attributed_deals
    FROM credit
    WHERE entry_no = 1 AND deal_status = 'won'
),

final AS (
    SELECT deal_id, month, model, coalesce(COLUMNS('^(won_revenue|won_deals|attributed|attributed_deals)$'), 0)
    FROM revenue
    FULL JOIN won USING (deal_id, month)
    CROSS JOIN model
    LEFT JOIN attributed USING (deal_id, month, model)
    LEFT JOIN weight USING (deal_id, month, model)
)

SELECT * FROM final
