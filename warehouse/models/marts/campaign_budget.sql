-- grain: one row per campaign that has a budget or a cost
WITH campaign AS (
    SELECT campaign_id, name, channel, starts_on, ends_on, budget, currency, budget_reporting
    FROM core.campaign
    JOIN core.campaign_budget USING (campaign_id)
    WHERE counts_for = campaign_id
),

spent AS (
    SELECT campaign_id, sum(cost_reporting) AS cost, min(day) AS first_cost_on, max(day) AS last_cost_on
    FROM core.cost_daily
    GROUP BY campaign_id
),

final AS (
    SELECT
        campaign_id, coalesce(name, campaign_id) AS campaign_name, channel, starts_on, ends_on, budget,
        if(budget IS NULL, NULL, currency) AS currency,
        budget_reporting, cost, first_cost_on, last_cost_on,
        budget_reporting - coalesce(cost, 0) AS budget_left,
        if(budget_reporting > 0, 100 * coalesce(cost, 0) / budget_reporting, NULL) AS spent_pct
    FROM campaign
    FULL JOIN spent USING (campaign_id)
    WHERE budget IS NOT NULL OR cost IS NOT NULL
)

SELECT * FROM final
