-- check: trees_add_up_to_their_campaigns
-- reason: A parent that counts a child twice, or forgets one, shows another programme than the one that was paid for.
-- severity: critical
WITH own AS (
    SELECT * FROM marts.campaign_roi
),

tree AS (
    SELECT * FROM marts.campaign_tree
),

-- a child is its own tree where it has children itself
child AS (
    SELECT period_kind, period, model, parent_id, cost, revenue, realized_revenue, pipeline, attributed_deals FROM tree
    UNION ALL
    SELECT period_kind, period, model, parent_id, cost, revenue, realized_revenue, pipeline, attributed_deals
    FROM own
    ANTI JOIN tree USING (period_kind, period, model, campaign_id)
),

part AS (
    SELECT period_kind, period, model, parent_id AS campaign_id, cost, revenue, realized_revenue, pipeline, attributed_deals
    FROM child
    WHERE parent_id IS NOT NULL
    UNION ALL
    SELECT period_kind, period, model, campaign_id, cost, revenue, realized_revenue, pipeline, attributed_deals
    FROM own
    SEMI JOIN tree USING (period_kind, period, model, campaign_id)
),

summed AS (
    SELECT period_kind, period, model, campaign_id, sum(COLUMNS('^(cost|revenue|realized_revenue|pipeline|attributed_deals)$'))
    FROM part
    GROUP BY ALL
)

SELECT period_kind, period, model, campaign_id, tree.cost, summed.cost AS parts, tree.revenue, summed.revenue AS revenue_of_parts
FROM tree
FULL JOIN summed USING (period_kind, period, model, campaign_id)
WHERE tree.cost IS DISTINCT FROM summed.cost
    OR tree.revenue IS DISTINCT FROM summed.revenue
    OR tree.realized_revenue IS DISTINCT FROM summed.realized_revenue
    OR tree.pipeline IS DISTINCT FROM summed.pipeline
    OR tree.attributed_deals IS DISTINCT FROM summed.attributed_deals
