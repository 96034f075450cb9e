-- check: revenue_adds_up_to_entries
-- reason: The table that is opened first must say what finance booked, day by day, and what is open.
-- severity: critical
WITH credited AS (
    SELECT model, booked_on, sum(revenue) AS revenue, sum(pipeline) AS pipeline FROM marts.revenue GROUP BY ALL
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

booked AS (
    SELECT
        booked_on, sum(if(is_final, amount_reporting, 0)) AS booked, sum(if(is_final, 0, amount_reporting)) AS pending
    FROM core.entry
    GROUP BY ALL
),

owed AS (
    FROM booked CROSS JOIN model
)

SELECT owed.model, owed.booked_on, booked, revenue, pending, pipeline
FROM owed
FULL JOIN credited ON credited.model = owed.model AND credited.booked_on IS NOT DISTINCT FROM owed.booked_on
WHERE revenue IS DISTINCT FROM booked OR pipeline IS DISTINCT FROM pending
