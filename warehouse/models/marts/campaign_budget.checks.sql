-- check: budgets_are_held_against_all_costs
-- reason: A campaign that is within its budget because half of its bills are missing is not.
-- severity: critical
WITH spent AS (
    SELECT campaign_id, sum(cost) AS cost
    FROM marts.campaign_roi
    WHERE period_kind = 'year' AND model = (SELECT default_model FROM core.setting)
    GROUP BY campaign_id
    HAVING sum(cost) IS NOT NULL
)

SELECT campaign_id, spent.cost, marts.campaign_budget.cost AS held_against
FROM spent
FULL JOIN marts.campaign_budget USING (campaign_id)
WHERE spent.cost IS DISTINCT FROM marts.campaign_budget.cost
