-- check: dimensions_add_up_to_pipeline_created
-- reason: Pipeline that somebody created is nobody else's, however it is told apart; what was created is never lost.
-- severity: critical
WITH part AS (
    SELECT period_kind, period, model, dimension_kind, sum(pipeline) AS pipeline, sum(deals) AS deals FROM marts.pipeline_created GROUP BY ALL
),

kind AS (
    SELECT DISTINCT dimension_kind FROM part
),

line AS (
    SELECT created_on AS day, model, coalesce(sum(amount_reporting), 0) AS created, sum(weight) AS created_deals
    FROM core.pipeline_credit
    GROUP BY ALL
),

whole AS (
    SELECT period_kind, period, model, sum(created) AS created, sum(created_deals) AS created_deals
    FROM line
    JOIN core.period USING (day)
    GROUP BY ALL
)

SELECT period_kind, period, model, dimension_kind, pipeline, created, deals, created_deals
FROM (FROM whole CROSS JOIN kind)
FULL JOIN part USING (period_kind, period, model, dimension_kind)
WHERE pipeline IS DISTINCT FROM created OR deals IS DISTINCT FROM created_deals
