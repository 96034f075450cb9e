-- grain: one row per period with cost or a new customer
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar
),

agreement AS (
    SELECT gross_margin_pct FROM core.agreement
),

deal AS (
    SELECT deal_id, account_id, status, closed_at, closed_on FROM core.deal_course
),

cost AS (
    SELECT period_kind, period, sum(cost_reporting) AS cost
    FROM core.cost_daily
    JOIN calendar ON calendar.month = marts.month_of(core.cost_daily.day)
    GROUP BY ALL
),

-- an account becomes a customer once
customer AS (
    SELECT account_id, marts.month_of(arg_min(closed_on, (closed_at, deal_id))) AS won_month
    FROM deal
    WHERE status = 'won'
    GROUP BY account_id
),

new_customer AS (
    SELECT period_kind, period, count(*) AS new_customers
    FROM customer
    JOIN calendar ON calendar.month = won_month
    GROUP BY ALL
),

entry AS (
    SELECT account_id, won_month, marts.month_of(booked_on) AS booked_month, amount_reporting
    FROM core.entry
    JOIN deal USING (deal_id)
    JOIN customer USING (account_id)
    WHERE is_final AND amount_reporting IS NOT NULL
),

revenue AS (
    SELECT period_kind, period, sum(amount_reporting) AS revenue
    FROM (SELECT won_month, booked_month, sum(amount_reporting) AS amount_reporting FROM entry GROUP BY ALL) AS booked
    JOIN calendar AS won ON won.month = won_month
    JOIN calendar AS dated USING (period_kind, period)
    WHERE dated.month = booked_month
    GROUP BY ALL
),

counted AS (
    SELECT period_kind, period, cost, coalesce(new_customers, 0) AS new_customers, coalesce(revenue, 0) AS revenue
    FROM cost
    FULL JOIN new_customer USING (period_kind, period)
    LEFT JOIN revenue USING (period_kind, period)
),

dated AS (
    SELECT counted.*, period_start, period_end
    FROM counted
    JOIN (SELECT DISTINCT period_kind, period, period_start, period_end FROM calendar) USING (period_kind, period)
),

-- a trailing year needs twelve months of the table
kept AS (
    SELECT dated.*
    FROM dated
    CROSS JOIN (SELECT min(period_start) AS first_month, max(period_end) AS last_day FROM dated WHERE period_kind = 'month')
    WHERE period_kind <> 'ttm' OR (period_end >= first_month + to_months(11) AND period_end <= last_day)
),

measured AS (
    SELECT
        *,
        if(cost >= 0 AND new_customers > 0, cost / new_customers, NULL) AS cac,
        if(new_customers > 0, revenue / new_customers, NULL) AS revenue_per_customer,
        CASE
            WHEN cost IS NULL THEN 'no_cost'
            WHEN cost < 0 THEN 'negative_cost'
            WHEN new_customers = 0 THEN 'no_new_customers'
            WHEN gross_margin_pct IS NULL OR gross_margin_pct = 0 THEN 'no_margin'
            WHEN revenue <= 0 THEN 'no_revenue'
        END AS reason
    FROM kept
    CROSS JOIN agreement
),

final AS (
    SELECT
        * EXCLUDE (revenue, gross_margin_pct),
        if(reason IS NULL, cac * 1200 / (revenue_per_customer * gross_margin_pct), NULL) AS payback_months
    FROM measured
)

SELECT * FROM final
