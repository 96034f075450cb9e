-- grain: one row per deal
WITH setting AS (
    SELECT lead_sources FROM core.setting
),

team AS (
    SELECT
        deal_id,
        arg_min(team, ordinal) AS first_team,
        min(ordinal) FILTER (team = 'marketing') AS first_marketing,
        min(ordinal) FILTER (team = 'sales') AS first_sales
    FROM core.journey
    GROUP BY deal_id
),

deal AS (
    SELECT deal_id, lead_source FROM core.deal
),

-- each flag is named after the measure of marketing's share that it is the rule of
final AS (
    SELECT
        deal_id,
        coalesce(list_contains(lead_sources, lead_source), false) AS is_sourced_lead_source,
        coalesce(first_team = 'marketing', false) AS is_sourced_first_touch,
        first_marketing IS NOT NULL AND (first_sales IS NULL OR first_marketing < first_sales) AS is_sourced_before_sales,
        first_marketing IS NOT NULL AS is_influenced,
        first_team IS NOT NULL AS is_coverage
    FROM deal
    LEFT JOIN team USING (deal_id)
    CROSS JOIN setting
)

SELECT * FROM final
