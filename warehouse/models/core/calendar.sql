-- grain: one row per kind of period, period and month in it; a trailing year is named by its last month
WITH setting AS (
    SELECT fiscal_year_start_month AS start_month FROM core.setting
),

day AS (
    SELECT day, ends_at FROM core.day
),

month AS (
    SELECT DISTINCT marts.month_of(day) AS month FROM day
),

kind AS (
    SELECT * FROM (VALUES ('month', 1), ('quarter', 3), ('year', 12), ('ttm', 12)) AS kind (period_kind, months)
),

first_month AS (
    SELECT
        month, period_kind, months,
        CASE period_kind
            WHEN 'ttm' THEN month - to_months(11)
            ELSE month - to_months(((month(month) - start_month + 12) % 12)::INTEGER % months)
        END::DATE AS starts_on
    FROM month
    CROSS JOIN kind
    CROSS JOIN setting
),

-- a trailing year has its eleven months before it; another period is found from each of its months
member AS (
    SELECT period_kind, months, starts_on, if(period_kind = 'ttm', (starts_on + to_months(back))::DATE, month) AS month
    FROM first_month
    CROSS JOIN range(if(period_kind = 'ttm', 12, 1)) AS step (back)
),

named AS (
    SELECT
        period_kind, starts_on, (starts_on + to_months(months))::DATE - 1 AS ends_on, month,
        marts.period_name(period_kind, starts_on, start_month) AS period
    FROM member
    CROSS JOIN setting
),

final AS (
    SELECT period_kind, period, starts_on AS period_start, ends_on AS period_end, month, day.ends_at AS ends_at
    FROM named
    JOIN day ON day.day = ends_on
)

SELECT * FROM final
