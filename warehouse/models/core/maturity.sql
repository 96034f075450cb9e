-- grain: one row per period, key and kind of key
WITH calendar AS (
    SELECT period_kind, period, month FROM core.calendar WHERE period_kind <> 'ttm'
),

ancestor AS (
    SELECT campaign_id, ancestor_id FROM core.campaign_ancestor
),

maturation AS (
    SELECT age, last_month, share FROM core.maturation
),

-- a month that is not over yet is as unripe as can be; after two years a month has brought all that it will
ripe AS (
    SELECT month, coalesce(share, 0) AS share
    FROM (
        SELECT DISTINCT month, last_month, least(datediff('month', month, last_month), 24) AS age
        FROM calendar
        CROSS JOIN (SELECT DISTINCT last_month FROM maturation)
    )
    LEFT JOIN maturation USING (age, last_month)
),

performance AS (
    SELECT DISTINCT period_kind, period, period_start, period_end, key_kind, key FROM core.performance
),

spent AS (
    SELECT marts.month_of(day) AS month, campaign_id, coalesce(channel, '(none)') AS channel, sum(cost_reporting) AS cost
    FROM core.cost_daily
    GROUP BY ALL
),

keyed AS (
    SELECT 'campaign' AS key_kind, campaign_id AS key, month, cost FROM spent
    UNION ALL
    SELECT 'channel', channel, month, cost FROM spent
    UNION ALL
    SELECT 'campaign_tree', ancestor_id, month, cost FROM spent JOIN ancestor USING (campaign_id)
),

-- a month of credit notes weighs nothing
cost AS (
    SELECT key_kind, key, month, greatest(sum(cost), 0) AS cost FROM keyed GROUP BY ALL
),

-- added up from the first month to the last: a sum in another order has another last digit
weighed AS (
    SELECT
        period_kind, period, period_start, period_end, key_kind, key, sum(coalesce(cost, 0)) AS total, count(*) AS months,
        list_sum(list(coalesce(cost, 0)::DOUBLE * share ORDER BY month)) AS weighted,
        list_sum(list(share ORDER BY month)) AS unweighted
    FROM performance
    JOIN calendar USING (period_kind, period)
    JOIN ripe USING (month)
    LEFT JOIN cost USING (key_kind, key, month)
    GROUP BY ALL
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, key_kind, key,
        100 * if(total > 0, weighted / total::DOUBLE, unweighted / months) AS matured_pct
    FROM weighed
)

SELECT * FROM final
