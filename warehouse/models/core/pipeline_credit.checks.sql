-- check: pipeline_adds_up_to_first_amounts
-- reason: Each model shares out what every deal began with: the first amount above zero, else the first zero, whatever became of the deal.
-- severity: critical
WITH line AS (
    SELECT model, deal_id, weight, amount FROM core.pipeline_credit
),

state AS (
    SELECT deal_id, state_no, amount FROM core.deal_history WHERE amount IS NOT NULL
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

shared AS (
    SELECT deal_id, model, count(*) AS touches, sum(weight) AS weights, sum(amount) AS amount FROM line GROUP BY ALL
),

begun AS (
    SELECT deal_id, coalesce(arg_min(amount, state_no) FILTER (amount > 0), 0) AS began_with FROM state GROUP BY ALL
),

owed AS (
    SELECT deal_id, model, began_with FROM begun CROSS JOIN model
),

-- each weight is rounded to twelve decimals
final AS (
    SELECT deal_id, model, began_with, amount, weights
    FROM shared
    FULL JOIN owed USING (deal_id, model)
    WHERE amount IS DISTINCT FROM began_with OR abs(weights - 1) > 1e-9 + touches * 5e-13
)

SELECT * FROM final ORDER BY deal_id, model
