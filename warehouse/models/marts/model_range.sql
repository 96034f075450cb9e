-- grain: one row per period, entity and kind of entity that has a value in some model
WITH campaign AS (
    SELECT 'campaign' AS entity_kind, campaign_id AS entity, campaign_name AS entity_name, roi AS value, * FROM marts.campaign_roi
),

channel AS (
    SELECT 'channel' AS entity_kind, channel AS entity, channel AS entity_name, roi AS value, * FROM marts.channel_roi
),

share AS (
    SELECT 'share' AS entity_kind, segment AS entity, segment AS entity_name, attributed_pct AS value, *
    FROM marts.marketing_share
    WHERE segment_kind = 'all'
),

valued AS (
    SELECT period_kind, period, period_start, period_end, entity_kind, entity, entity_name, value FROM campaign
    UNION ALL
    SELECT period_kind, period, period_start, period_end, entity_kind, entity, entity_name, value FROM channel
    UNION ALL
    SELECT period_kind, period, period_start, period_end, entity_kind, entity, entity_name, value FROM share
),

final AS (
    SELECT
        * EXCLUDE (value), min(value) AS lowest, median(value) AS median, max(value) AS highest,
        count_if(value > 0) AS positive_models, count(*) AS models
    FROM valued
    WHERE value IS NOT NULL
    GROUP BY ALL
)

SELECT * FROM final
