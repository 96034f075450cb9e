-- grain: one row per month, quarter and year that has begun: when it is looked at, its last microsecond or now
WITH calendar AS (
    SELECT DISTINCT period_kind, period, period_start, period_end, ends_at FROM core.calendar WHERE period_kind <> 'ttm'
),

day AS (
    SELECT day, ends_at FROM core.day
),

now AS (
    SELECT as_of FROM core.setting
),

-- a period begins where the day before it ends
begun AS (
    SELECT calendar.*, coalesce(day.ends_at + INTERVAL 1 MICROSECOND, '-infinity'::TIMESTAMPTZ) AS begins_at
    FROM calendar
    LEFT JOIN day ON day.day = period_start - 1
),

final AS (
    SELECT
        row_number() OVER (ORDER BY period_kind, period_start) AS period_no, period_kind, period, period_start, period_end, begins_at,
        least(ends_at, as_of) AS asked_at
    FROM begun
    JOIN now ON begins_at <= as_of
)

SELECT * FROM final
