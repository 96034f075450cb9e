-- check: velocity_of_segments_adds_up
-- reason: The team sees the deals of its segments and the board sees all of them: they are the same deals.
-- severity: critical
WITH part AS (
    SELECT
        period_kind, period, segment_kind, sum(opened) AS opened, sum(open_deals) AS open_deals, sum(won) AS won, sum(lost) AS lost
    FROM marts.velocity
    GROUP BY ALL
),

whole AS (
    SELECT * EXCLUDE (segment_kind) FROM part WHERE segment_kind = 'all'
)

SELECT period_kind, period, segment_kind, part.opened, part.open_deals, part.won, part.lost
FROM part
LEFT JOIN whole USING (period_kind, period)
WHERE (part.opened, part.open_deals, part.won, part.lost) IS DISTINCT FROM (whole.opened, whole.open_deals, whole.won, whole.lost)

-- check: deals_of_months_add_up_to_years
-- reason: A deal is opened and closed once, in whatever period one looks; only those that stay open are there in many.
-- severity: critical
WITH month AS (
    SELECT segment_kind, segment, sum(opened) AS opened, sum(won) AS won, sum(lost) AS lost
    FROM marts.velocity
    WHERE period_kind = 'month'
    GROUP BY ALL
),

-- the year that is not over may have what is dated later than the last month
year AS (
    SELECT segment_kind, segment, sum(opened) AS opened, sum(won) AS won, sum(lost) AS lost
    FROM marts.velocity
    WHERE period_kind = 'year'
    GROUP BY ALL
)

SELECT segment_kind, segment, month.opened, year.opened AS of_years, month.won, month.lost
FROM month
JOIN year USING (segment_kind, segment)
WHERE month.opened > year.opened OR month.won > year.won OR month.lost > year.lost

-- check: velocity_follows_from_its_parts
-- reason: Whoever asks why it is slow looks at the four parts: they must be those that made it.
-- severity: critical
SELECT period_kind, period, segment_kind, segment, velocity_per_day
FROM marts.velocity
WHERE (velocity_per_day IS NULL) <> (win_rate IS NULL OR average_value IS NULL OR cycle_days IS NULL OR cycle_days <= 0)
    OR abs(velocity_per_day * cycle_days - open_deals * win_rate * average_value) > 0.000001 * (1 + abs(open_deals * average_value))
