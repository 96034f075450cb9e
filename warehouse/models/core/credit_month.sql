-- grain: basis, month, model, campaign and channel; money in the reporting currency
WITH credit AS MATERIALIZED (
    SELECT
        model, campaign_key AS campaign_id, channel, is_final, marts.month_of(booked_on) AS booked, marts.month_of(touched_on) AS made,
        marts.month_of(opened_on) AS opened, revenue_reporting
    FROM core.credit
),

dated AS (
    SELECT 'booked' AS basis, booked AS month, model, campaign_id, channel, revenue_reporting FROM credit WHERE is_final
    UNION ALL
    SELECT 'made', made, model, campaign_id, channel, revenue_reporting FROM credit WHERE is_final AND made IS NOT NULL
    UNION ALL
    SELECT 'pending', opened, model, campaign_id, channel, revenue_reporting FROM credit WHERE NOT is_final
),

final AS (
    SELECT basis, month, model, campaign_id, channel, coalesce(sum(revenue_reporting), 0) AS revenue_reporting
    FROM dated
    GROUP BY ALL
)

SELECT * FROM final
