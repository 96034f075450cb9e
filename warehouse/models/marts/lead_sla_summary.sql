-- grain: one row per period of handing over, rule and segment
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar WHERE period_kind <> 'ttm'
),

sla AS (
    SELECT
        rule_id, marts.month_of(handed_on) AS month, channel, coalesce(COLUMNS('^(segment|owner)$'), '(none)'),
        answer <> 'none' AS is_answered, is_breached, is_decided, if(is_answered, business_hours, NULL) AS hours
    FROM marts.lead_sla
),

segmented AS (
    SELECT 'all' AS segment_kind, 'all' AS segment, * EXCLUDE (channel, segment, owner) FROM sla
    UNION ALL
    SELECT 'segment', segment, * EXCLUDE (channel, segment, owner) FROM sla
    UNION ALL
    SELECT 'channel', channel, * EXCLUDE (channel, segment, owner) FROM sla
    UNION ALL
    SELECT 'owner', owner, * EXCLUDE (channel, segment, owner) FROM sla
),

counted AS (
    SELECT
        period_kind, period, period_start, period_end, rule_id, segment_kind, segment,
        count(*) AS handed, count_if(is_answered) AS answered, count_if(is_breached) AS breached, count_if(is_decided) AS decided,
        quantile_cont(hours, 0.5) AS median_hours, quantile_cont(hours, 0.9) AS p90_hours
    FROM segmented
    JOIN calendar USING (month)
    GROUP BY ALL
),

final AS (
    SELECT *, if(decided > 0, 100 * breached / decided, NULL) AS breach_pct FROM counted
)

SELECT * FROM final
