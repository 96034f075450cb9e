-- grain: one row per day that a figure is dated on and kind of period
WITH setting AS (
    SELECT fiscal_year_start_month AS start_month FROM core.setting
),

day AS (
    SELECT DISTINCT day FROM core.credit_daily
    UNION
    SELECT day FROM core.cost_daily
    UNION
    SELECT booked_on FROM core.entry WHERE booked_on IS NOT NULL
    UNION
    SELECT closed_on FROM core.deal WHERE closed_on IS NOT NULL
),

fiscal AS (
    SELECT
        day,
        year(day) + (start_month > 1 AND month(day) >= start_month)::INTEGER AS fiscal_year,
        (month(day) - start_month + 12) % 12 // 3 + 1 AS fiscal_quarter
    FROM day, setting
)

SELECT day, 'month' AS period_kind, strftime(day, '%Y-%m') AS period FROM fiscal
UNION ALL
SELECT day, 'quarter', fiscal_year || '-Q' || fiscal_quarter FROM fiscal
UNION ALL
SELECT day, 'year', fiscal_year::VARCHAR FROM fiscal
