-- check: activity_adds_up_to_touches
-- reason: A touch that is counted twice, or not at all, makes a channel look better or worse than it is.
-- severity: critical
WITH counted AS (
    SELECT day, sum(touches) AS touches, sum(in_journey) AS in_journey FROM marts.touch_activity GROUP BY ALL
),

touch AS (
    SELECT day, count(*) AS found, count_if(is_in_journey) AS found_in_journey FROM core.touch GROUP BY ALL
)

SELECT day, touches, found, in_journey, found_in_journey
FROM counted
FULL JOIN touch USING (day)
WHERE touches IS DISTINCT FROM found OR in_journey IS DISTINCT FROM found_in_journey
