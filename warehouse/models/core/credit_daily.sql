-- grain: basis, day, model, campaign, channel, team and segment; money in the reporting currency
WITH credit AS (
    SELECT
        model, campaign_key AS campaign_id, channel, team, segment, is_final, booked_on, touched_on, opened_on, revenue_reporting
    FROM core.credit
),

summed AS MATERIALIZED (
    SELECT
        is_final, booked_on, touched_on, opened_on, model, campaign_id, channel, team, segment,
        coalesce(sum(revenue_reporting), 0) AS revenue_reporting
    FROM credit
    GROUP BY ALL
),

dated AS (
    SELECT 'booked' AS basis, booked_on AS day, * FROM summed WHERE is_final
    UNION ALL
    SELECT 'made', touched_on, * FROM summed WHERE is_final AND touched_on IS NOT NULL
    UNION ALL
    SELECT 'pending', opened_on, * FROM summed WHERE NOT is_final
),

final AS (
    SELECT basis, day, model, campaign_id, channel, team, segment, sum(revenue_reporting) AS revenue_reporting
    FROM dated
    GROUP BY ALL
)

SELECT * FROM final
