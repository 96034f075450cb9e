-- grain: one row per period, key and kind of key; a key is a campaign, a channel, or a campaign with its children
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar WHERE period_kind <> 'ttm'
),

ancestor AS (
    SELECT campaign_id, ancestor_id FROM core.campaign_ancestor
),

entered AS (
    SELECT
        marts.month_of(entered_on) AS month, campaign_id, channel,
        count_if(stage = 'mql') AS mqls, count_if(stage = 'sql') AS sqls
    FROM core.lead_stage
    WHERE stage IN ('mql', 'sql')
    GROUP BY ALL
),

keyed AS (
    SELECT 'campaign' AS key_kind, campaign_id AS key, month, mqls, sqls FROM entered
    UNION ALL
    SELECT 'channel', channel, month, mqls, sqls FROM entered
    UNION ALL
    SELECT 'campaign_tree', ancestor_id, month, mqls, sqls FROM entered JOIN ancestor USING (campaign_id)
),

final AS (
    SELECT period_kind, period, period_start, period_end, key_kind, key, sum(mqls) AS mqls, sum(sqls) AS sqls
    FROM keyed
    JOIN calendar USING (month)
    GROUP BY ALL
)

SELECT * FROM final
