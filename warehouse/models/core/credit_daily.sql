-- grain: basis, day, model, campaign, channel, team and segment; money in the reporting currency
WITH line AS (
    SELECT model, journey, deal_id, ordinal, entry_no, revenue_reporting FROM core.credit_line
),

entry AS (
    SELECT deal_id, entry_no, booked_on, is_final FROM core.entry
),

deal AS (
    SELECT deal_id, opened_on, coalesce(segment, '(none)') AS segment FROM core.deal
),

touch AS (
    SELECT journey, deal_id, ordinal, campaign_id, channel, team, touched_on FROM core.journey_touch
),

credit AS (
    SELECT
        line.model, line.ordinal, line.revenue_reporting, entry.booked_on, entry.is_final, deal.opened_on, deal.segment,
        touch.touched_on, touch.team,
        CASE WHEN line.ordinal = 0 THEN '(unattributed)' ELSE coalesce(touch.campaign_id, '(none)') END AS campaign_id,
        coalesce(touch.channel, 'unattributed') AS channel
    FROM line
    JOIN entry ON entry.deal_id = line.deal_id AND entry.entry_no = line.entry_no
    JOIN deal ON deal.deal_id = line.deal_id
    LEFT JOIN touch ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
),

summed AS MATERIALIZED (
    SELECT
        is_final, booked_on, touched_on, opened_on, model, campaign_id, channel, team, segment,
        coalesce(sum(revenue_reporting), 0)::DECIMAL(38, 3) AS revenue_reporting
    FROM credit
    GROUP BY ALL
),

dated AS (
    SELECT 'booked' AS basis, booked_on AS day, * FROM summed WHERE is_final
    UNION ALL
    SELECT 'made', touched_on, * FROM summed WHERE is_final AND touched_on IS NOT NULL
    UNION ALL
    SELECT 'pending', opened_on, * FROM summed WHERE NOT is_final
)

SELECT basis, day, model, campaign_id, channel, team, segment, sum(revenue_reporting)::DECIMAL(38, 3) AS revenue_reporting
FROM dated
GROUP BY ALL
