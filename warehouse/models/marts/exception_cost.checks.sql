-- check: exceptions_of_segments_add_up
-- reason: What is asked of each segment and each owner is what the board is told.
-- severity: critical
WITH part AS (
    SELECT
        period_kind, period, rule, segment_kind, sum(exceptions) AS exceptions, sum(deals) AS deals, sum(money_at_risk) AS money_at_risk
    FROM marts.exception_cost
    GROUP BY ALL
),

whole AS (
    SELECT * EXCLUDE (segment_kind) FROM part WHERE segment_kind = 'all'
)

SELECT period_kind, period, rule, segment_kind, part.exceptions, part.deals, part.money_at_risk
FROM part
LEFT JOIN whole USING (period_kind, period, rule)
WHERE (part.exceptions, part.deals, part.money_at_risk) IS DISTINCT FROM (whole.exceptions, whole.deals, whole.money_at_risk)

-- check: every_exception_is_counted
-- reason: A month that leaves exceptions out looks like a month in which the process was followed.
-- severity: critical
WITH shown AS (
    SELECT period_kind, sum(exceptions) AS exceptions
    FROM marts.exception_cost
    WHERE segment_kind = 'all' AND rule = 'all'
    GROUP BY ALL
),

found AS (
    SELECT count(*) AS exceptions FROM marts.sales_exception
)

SELECT period_kind, shown.exceptions AS shown, found.exceptions AS found FROM shown CROSS JOIN found WHERE shown.exceptions <> found.exceptions

-- check: deal_counts_once_for_all_rules
-- reason: Five rules broken by one deal do not risk its money five times.
-- severity: critical
WITH part AS (
    SELECT
        period_kind, period, segment_kind, segment,
        sum(exceptions) FILTER (rule <> 'all') AS exceptions, sum(exceptions) FILTER (rule = 'all') AS of_all,
        sum(deals) FILTER (rule <> 'all') AS deals, sum(deals) FILTER (rule = 'all') AS deals_of_all,
        sum(money_at_risk) FILTER (rule <> 'all') AS money, sum(money_at_risk) FILTER (rule = 'all') AS money_of_all
    FROM marts.exception_cost
    GROUP BY ALL
)

SELECT *
FROM part
WHERE exceptions IS DISTINCT FROM of_all
    OR deals_of_all > deals
    OR deals_of_all > of_all
    OR money_of_all > money

-- check: exception_share_follows_from_its_money
-- reason: The share is what is quoted; it must be that of the money beside it, and absent where nothing was won.
-- severity: critical
SELECT period_kind, period, segment_kind, segment, rule, money_at_risk, won_revenue, share_of_revenue
FROM marts.exception_cost
WHERE deals > exceptions
    OR (share_of_revenue IS NULL) <> (won_revenue <= 0)
    OR abs(share_of_revenue * won_revenue - money_at_risk) > 0.000001 * (1 + money_at_risk)
