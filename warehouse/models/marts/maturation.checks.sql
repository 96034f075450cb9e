-- check: ages_ripen_by_their_growth
-- reason: A share that does not follow from what was booked makes young returns look ripe, or ripe ones young.
-- severity: critical
WITH age AS (
    SELECT
        age, growth, matured_pct, booked_before, booked,
        lag(matured_pct) OVER (ORDER BY age) AS before_it, max(age) OVER () AS oldest, count(*) OVER () AS ages
    FROM marts.maturation
)

SELECT age, growth, before_it, matured_pct, booked_before, booked
FROM age
WHERE ages <> 25
    OR abs(before_it * growth - matured_pct) > 0.000001 * matured_pct
    OR (age = oldest AND matured_pct <> 100)
    OR (booked_before > 0 AND booked > 0 AND abs(growth * booked_before - booked) > 0.000001 * booked)
