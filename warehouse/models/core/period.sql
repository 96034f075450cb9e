-- grain: one row per day that a figure is dated on and kind of period
WITH setting AS (
    SELECT fiscal_year_start_month AS start_month FROM core.setting
),

day AS (
    SELECT touched_on AS day FROM core.journey_touch
    UNION
    SELECT opened_on FROM core.deal WHERE status = 'open'
    UNION
    SELECT day FROM core.cost_daily
    UNION
    SELECT booked_on FROM core.entry WHERE booked_on IS NOT NULL
    UNION
    SELECT closed_on FROM core.deal WHERE closed_on IS NOT NULL
    UNION
    SELECT created_on FROM core.pipeline_credit
),

kind AS (
    SELECT * FROM (VALUES ('month', 1), ('quarter', 3), ('year', 12)) AS kind (period_kind, months)
),

fiscal AS (
    SELECT
        day, marts.month_of(day) AS month_start,
        ((month(day) - start_month + 12) % 12)::INTEGER AS month_no,  -- 0 for the first month of the fiscal year
        year(month_start + to_months(11 - month_no)) AS fiscal_year
    FROM day
    CROSS JOIN setting
),

final AS (
    SELECT
        period_kind,
        CASE period_kind
            WHEN 'month' THEN strftime(day, '%Y-%m')
            WHEN 'quarter' THEN fiscal_year || '-Q' || month_no // 3 + 1
            ELSE fiscal_year::VARCHAR
        END AS period,
        month_start - to_months(month_no % months) AS starts_on,
        starts_on + to_months(months) - INTERVAL 1 DAY AS ends_on,
        day
    FROM fiscal
    CROSS JOIN kind
)

SELECT * FROM final
