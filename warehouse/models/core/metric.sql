-- grain: one row per metric, entity, and quarter or year in which it has a value, by the default model
WITH setting AS (
    SELECT default_model AS model FROM core.setting
),

campaign AS (
    SELECT * FROM marts.campaign_roi SEMI JOIN setting USING (model)
),

channel AS (
    SELECT * FROM marts.channel_roi SEMI JOIN setting USING (model)
),

bought AS (
    SELECT 'campaign' AS entity_kind, campaign_id AS entity, * FROM campaign
    UNION ALL BY NAME
    SELECT 'channel' AS entity_kind, channel AS entity, * FROM channel
),

share AS (
    SELECT * FROM marts.marketing_share SEMI JOIN setting USING (model)
),

funnel AS (
    SELECT * FROM marts.funnel WHERE view = 'cohort' AND segment_kind IN ('channel', 'segment')
),

answered AS (
    SELECT period_kind, period, period_start, period_end, segment_kind, segment, sum(breached) AS breached, sum(decided) AS decided
    FROM marts.lead_sla_summary
    WHERE segment_kind IN ('owner', 'segment')
    GROUP BY ALL
),

velocity AS (
    SELECT *, won + lost AS closed FROM marts.velocity WHERE segment_kind IN ('segment', 'owner')
),

adherence AS (
    SELECT * FROM marts.crm_adherence WHERE segment_kind = 'owner' AND "check" = 'all'
),

won AS (
    SELECT period_kind, period, period_start, period_end, segment, won_revenue, won_deals FROM share WHERE segment_kind = 'owner'
),

cost AS (
    SELECT period_kind, period, period_start, period_end, segment, share_of_revenue
    FROM marts.exception_cost
    WHERE segment_kind = 'owner' AND rule = 'all'
),

-- an owner who won deals without any exception has none
improvised AS (
    SELECT
        period_kind, period, coalesce(won.period_start, cost.period_start) AS period_start,
        coalesce(won.period_end, cost.period_end) AS period_end, segment,
        if(cost.period IS NULL, 0, share_of_revenue) AS share_of_revenue, won_revenue, coalesce(won_deals, 0) AS won_deals
    FROM won
    FULL JOIN cost USING (period_kind, period, segment)
    WHERE cost.period IS NOT NULL OR won_deals > 0
),

-- base: what one unit of the metric is worth in money; of a conversion rate the passes that it is a rate of
measured AS (
    SELECT 'roi' AS metric, entity_kind, entity, period_kind, period, period_start, period_end, roi AS value, won_deals AS sample, cost::DOUBLE AS base
    FROM bought
    UNION ALL
    SELECT 'realized_roi', entity_kind, entity, period_kind, period, period_start, period_end, realized_roi, won_deals, NULL FROM bought
    UNION ALL
    SELECT 'cost_per_mql', entity_kind, entity, period_kind, period, period_start, period_end, cost_per_mql, mqls, mqls FROM bought
    UNION ALL
    SELECT 'attributed_pct', segment_kind, segment, period_kind, period, period_start, period_end, attributed_pct, won_deals, NULL
    FROM share
    WHERE segment_kind = 'segment'
    UNION ALL
    SELECT
        'rate_' || from_stage || '_' || to_stage, segment_kind, segment, period_kind, period, period_start, period_end, rate, entered, entered
    FROM funnel
    UNION ALL
    SELECT
        'breach_pct', segment_kind, segment, period_kind, period, period_start, period_end,
        if(decided > 0, 100 * breached / decided, NULL), decided, NULL
    FROM answered
    UNION ALL
    SELECT 'win_rate', segment_kind, segment, period_kind, period, period_start, period_end, win_rate, closed, closed * average_value
    FROM velocity
    UNION ALL
    SELECT 'cycle_days', segment_kind, segment, period_kind, period, period_start, period_end, cycle_days, closed, NULL FROM velocity
    UNION ALL
    SELECT 'velocity_per_day', segment_kind, segment, period_kind, period, period_start, period_end, velocity_per_day, closed, NULL FROM velocity
    UNION ALL
    SELECT 'adherence_score', 'owner', segment, period_kind, period, period_start, period_end, score, applicable, NULL FROM adherence
    UNION ALL
    SELECT
        'exception_share_of_revenue', 'owner', segment, period_kind, period, period_start, period_end, share_of_revenue, won_deals,
        won_revenue::DOUBLE
    FROM improvised
),

final AS (
    SELECT
        *, metric NOT IN ('cost_per_mql', 'breach_pct', 'cycle_days', 'exception_share_of_revenue') AS is_higher_better
    FROM measured
    WHERE value IS NOT NULL AND period_kind IN ('quarter', 'year')
)

SELECT * FROM final
