-- check: credits_add_up
-- reason: Revenue neither disappears nor is invented: what each model credits is what was booked, in both currencies.
-- severity: critical
WITH line AS (
    SELECT deal_id, entry_no, model, revenue, revenue_reporting FROM core.credit_line
),

entry AS (
    SELECT deal_id, entry_no, amount, amount_reporting FROM core.entry
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

credited AS (
    SELECT deal_id, entry_no, model, sum(revenue) AS credited, sum(revenue_reporting) AS credited_reporting FROM line GROUP BY ALL
),

owed AS (
    SELECT deal_id, entry_no, model, amount, amount_reporting FROM entry CROSS JOIN model
),

final AS (
    SELECT deal_id, entry_no, model, amount, credited, amount_reporting, credited_reporting
    FROM credited
    FULL JOIN owed USING (deal_id, entry_no, model)
    WHERE credited IS DISTINCT FROM amount OR credited_reporting IS DISTINCT FROM amount_reporting
)

SELECT * FROM final ORDER BY deal_id, entry_no, model

-- check: weights_of_a_deal_add_up_to_one
-- reason: A deal is shared out whole, whatever its amount: shares above or below one would count it more or less than once.
-- severity: critical
-- each weight is rounded to twelve decimals: a journey of thousands of touches may be off by more than 1e-9
SELECT model, deal_id, entry_no, sum(weight) AS weights
FROM core.credit_line
GROUP BY ALL
HAVING abs(sum(weight) - 1) > 1e-9 + count(*) * 5e-13
