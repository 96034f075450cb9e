-- grain: one row per age in months, 0 to 24; none without an instant as of which figures are
WITH maturation AS (
    SELECT age, last_month, first_cohort, last_cohort, booked_before, booked, growth, share FROM core.maturation
),

final AS (
    SELECT * EXCLUDE (share), 100 * share AS matured_pct FROM maturation
)

SELECT * FROM final
