-- grain: one row per age in months, 0 to 24; none without an instant as of which figures are
WITH setting AS (
    SELECT default_model, as_of FROM core.setting WHERE as_of IS NOT NULL
),

-- the month of as_of, or where that is over the one after it, comes next
complete AS (
    SELECT (min(month) FILTER (ends_at > as_of) - INTERVAL 1 MONTH)::DATE AS last_month
    FROM core.calendar
    CROSS JOIN setting
    WHERE period_kind = 'month'
),

booked AS (
    SELECT
        marts.month_of(touched_on) AS cohort, marts.month_of(booked_on) AS month, sum(revenue_reporting) AS revenue
    FROM core.credit
    JOIN setting ON setting.default_model = credit.model
    WHERE is_final AND touched_on IS NOT NULL
    GROUP BY ALL
),

cohort AS (
    SELECT DISTINCT cohort FROM booked
),

age AS (
    SELECT age::INTEGER AS age FROM range(25) AS ages (age)
),

-- of the latest 36 months of touches that are of this age: what was booked until then, and what one month earlier
of_age AS (
    SELECT
        age, cohort,
        sum(revenue) FILTER (month < cohort + to_months(age)) AS booked_before,
        sum(revenue) AS booked
    FROM age
    CROSS JOIN complete
    JOIN cohort ON cohort BETWEEN last_month - to_months(age + 35) AND last_month - to_months(age)
    JOIN booked USING (cohort)
    WHERE age > 0 AND month <= cohort + to_months(age)
    GROUP BY ALL
),

summed AS (
    SELECT
        age, min(cohort) AS first_cohort, max(cohort) AS last_cohort,
        coalesce(sum(booked_before), 0) AS booked_before, coalesce(sum(booked), 0) AS booked
    FROM of_age
    GROUP BY age
),

growing AS (
    SELECT
        age, last_month, first_cohort, last_cohort,
        if(age > 0, coalesce(summed.booked_before, 0), NULL) AS booked_before, if(age > 0, coalesce(summed.booked, 0), NULL) AS booked,
        CASE WHEN age > 0 THEN if(summed.booked_before > 0 AND summed.booked > 0, summed.booked::DOUBLE / summed.booked_before::DOUBLE, 1) END AS growth
    FROM age
    CROSS JOIN complete
    LEFT JOIN summed USING (age)
    WHERE last_month IS NOT NULL
),

-- one after the other from the oldest age on: a product in another order has another last digit
final AS (
    SELECT
        *,
        coalesce(list_product(list(1 / growth) OVER (ORDER BY age DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS share
    FROM growing
)

SELECT * FROM final
