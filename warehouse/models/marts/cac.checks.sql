-- check: customers_cost_all_that_was_spent
-- reason: A customer costs what all campaigns cost; leaving one out would make customers cheap.
-- severity: critical
WITH shown AS (
    SELECT sum(cost) AS cost FROM marts.cac WHERE period_kind = 'month'
),

spent AS (
    SELECT sum(cost_reporting) AS cost FROM core.cost_daily
)

SELECT shown.cost AS shown, spent.cost AS spent FROM shown CROSS JOIN spent WHERE shown.cost IS DISTINCT FROM spent.cost

-- check: account_becomes_a_customer_once
-- reason: A customer that is new every month would pay back nothing.
-- severity: critical
WITH shown AS (
    SELECT period_kind, sum(new_customers) AS customers FROM marts.cac WHERE period_kind <> 'ttm' GROUP BY ALL
),

won AS (
    SELECT count(DISTINCT account_id) AS customers FROM core.deal WHERE status = 'won'
)

SELECT period_kind, shown.customers AS shown, won.customers AS won FROM shown CROSS JOIN won WHERE shown.customers <> won.customers

-- check: payback_or_its_reason
-- reason: A missing number without a reason is a question to finance every month.
-- severity: critical
SELECT period_kind, period, reason, cac, payback_months
FROM marts.cac
WHERE (payback_months IS NULL) <> (reason IS NOT NULL)
    OR (cac IS NULL) <> coalesce(reason IN ('no_cost', 'negative_cost', 'no_new_customers'), false)
    OR abs(cac * new_customers - cost) > 0.000001 * (1 + cost)
