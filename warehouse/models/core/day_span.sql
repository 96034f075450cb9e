-- grain: one row: the first and the last day of anything that is dated, with the fiscal years around them
WITH setting AS (
    SELECT fiscal_year_start_month AS start_month, as_of FROM core.setting
),

dated AS (
    SELECT min(occurred_at)::DATE AS first_day, max(occurred_at)::DATE AS last_day FROM ledger.current_touch WHERE marts.is_within_bounds(occurred_at)
    UNION ALL
    SELECT min(occurred_at)::DATE, max(occurred_at)::DATE FROM ledger.current_lead_stage WHERE marts.is_within_bounds(occurred_at)
    UNION ALL
    SELECT min(changed_at)::DATE, max(changed_at)::DATE FROM core.deal_history
    UNION ALL
    SELECT min(opened_on), max(opened_on) FROM core.deal
    UNION ALL
    SELECT min(closed_on), max(closed_on) FROM core.deal WHERE status <> 'open'
    UNION ALL
    SELECT min(booked_on), max(booked_on) FROM core.entry
    UNION ALL
    SELECT min(day), max(day) FROM core.cost_daily
    UNION ALL
    SELECT as_of::DATE, as_of::DATE FROM setting
),

-- an instant's day in some time zone is at most one away from its day in UTC
spanned AS (
    SELECT
        marts.month_of(min(first_day) - 1) AS first_month,
        marts.month_of(max(last_day) + 1) AS last_month
    FROM dated
),

final AS (
    SELECT
        (first_month - to_months((month(first_month) - start_month + 12) % 12))::DATE AS first_day,
        (last_month + to_months(12 - (month(last_month) - start_month + 12) % 12))::DATE - 1 AS last_day
    FROM spanned
    CROSS JOIN setting
    WHERE first_month IS NOT NULL
)

SELECT * FROM final
