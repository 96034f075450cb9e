-- grain: one row per period and segment in which a deal was opened, won or lost, or was open at its end
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar
),

period AS (
    SELECT DISTINCT
        period_kind, period, period_start, period_end,
        marts.month_of(period_end) AS last_month,
        if(period_kind = 'ttm', last_month, period_start) AS due_month
    FROM calendar
),

by_month AS (
    SELECT * FROM core.deal_movement
),

now AS (
    SELECT marts.month_of(marts.local_day(as_of, offset_us)) AS month
    FROM core.setting
    ASOF JOIN core.clock ON core.setting.as_of >= core.clock.starts_at
),

summed AS (
    SELECT
        period_kind, period, segment_kind, segment,
        sum(COLUMNS(by_month.* EXCLUDE (month, segment_kind, segment, more_open)))
    FROM by_month
    JOIN calendar USING (month)
    GROUP BY period_kind, period, segment_kind, segment
),

month_of_segment AS (
    SELECT month, segment_kind, segment
    FROM (SELECT DISTINCT month FROM calendar)
    CROSS JOIN (SELECT DISTINCT segment_kind, segment FROM by_month)
),

open_at_end AS (
    SELECT
        month, segment_kind, segment,
        sum(more_open) OVER (PARTITION BY segment_kind, segment ORDER BY month ROWS UNBOUNDED PRECEDING) AS open_deals
    FROM month_of_segment
    LEFT JOIN by_month USING (month, segment_kind, segment)
),

still_open AS (
    SELECT period_kind, period, segment_kind, segment, open_deals
    FROM open_at_end
    JOIN period ON period.last_month = open_at_end.month
    WHERE open_deals > 0
),

counted AS (
    SELECT
        period_kind, period, period_start, period_end, last_month, segment_kind, segment,
        coalesce(COLUMNS('^(opened|open_deals|won|lost|valued|won_value|cycle_us)$'), 0)
    FROM summed
    FULL JOIN still_open USING (period_kind, period, segment_kind, segment)
    JOIN period USING (period_kind, period)
    JOIN now ON period.due_month <= now.month
    WHERE opened > 0 OR open_deals > 0 OR won > 0 OR lost > 0
),

-- a trailing year needs twelve months of the table
kept AS (
    SELECT counted.*
    FROM counted
    CROSS JOIN (SELECT min(period_start) AS first_month, max(period_start) AS latest_month FROM counted WHERE period_kind = 'month')
    WHERE period_kind <> 'ttm' OR last_month BETWEEN first_month + to_months(11) AND latest_month
),

measured AS (
    SELECT
        *,
        if(won + lost > 0, won / (won + lost), NULL) AS win_rate,
        if(valued > 0, won_value / valued, NULL) AS average_value,
        if(won > 0, cycle_us / won / 86400000000, NULL) AS cycle_days
    FROM kept
),

final AS (
    SELECT
        * EXCLUDE (last_month, valued, won_value, cycle_us),
        marts.wilson_low(won, won + lost) AS win_rate_low, marts.wilson_high(won, won + lost) AS win_rate_high,
        if(cycle_days > 0, open_deals * win_rate * average_value / cycle_days, NULL) AS velocity_per_day
    FROM measured
)

SELECT * FROM final
