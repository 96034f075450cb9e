-- grain: one row per period, segment and model
WITH period AS (
    SELECT day, period_kind, period FROM core.period
),

setting AS (
    SELECT target_pct, lead_sources FROM core.setting
),

model AS (
    SELECT unnest(models) AS model FROM core.setting
),

team AS (
    SELECT
        deal_id,
        arg_min(team, ordinal) AS first_team,
        min(ordinal) FILTER (team = 'marketing') AS first_marketing,
        min(ordinal) FILTER (team = 'sales') AS first_sales
    FROM core.journey_touch
    WHERE journey = 'default'
    GROUP BY deal_id
),

deal AS (
    SELECT
        deal_id, status, closed_on, coalesce(segment, '(none)') AS segment,
        coalesce(list_contains(lead_sources, lead_source), false) AS is_sourced_lead_source,
        coalesce(first_team = 'marketing', false) AS is_sourced_first_touch,
        first_marketing IS NOT NULL AND (first_sales IS NULL OR first_marketing < first_sales) AS is_sourced_before_sales,
        first_marketing IS NOT NULL AS is_influenced,
        first_team IS NOT NULL AS is_covered
    FROM core.deal
    LEFT JOIN team USING (deal_id)
    CROSS JOIN setting
),

revenue AS (
    SELECT
        period_kind, period, segment,
        coalesce(sum(amount_reporting), 0) AS won_revenue,
        coalesce(sum(amount_reporting) FILTER (is_sourced_lead_source), 0) AS sourced_lead_source,
        coalesce(sum(amount_reporting) FILTER (is_sourced_first_touch), 0) AS sourced_first_touch,
        coalesce(sum(amount_reporting) FILTER (is_sourced_before_sales), 0) AS sourced_before_sales,
        coalesce(sum(amount_reporting) FILTER (is_influenced), 0) AS influenced,
        coalesce(sum(amount_reporting) FILTER (is_covered), 0) AS coverage
    FROM core.entry
    JOIN deal USING (deal_id)
    JOIN period ON period.day = entry.booked_on
    WHERE is_final
    GROUP BY ALL
),

won AS (
    SELECT
        period_kind, period, segment,
        count(*) AS won_deals,
        count(*) FILTER (is_sourced_lead_source) AS sourced_lead_source_deals,
        count(*) FILTER (is_sourced_first_touch) AS sourced_first_touch_deals,
        count(*) FILTER (is_sourced_before_sales) AS sourced_before_sales_deals,
        count(*) FILTER (is_influenced) AS influenced_deals,
        count(*) FILTER (is_covered) AS coverage_deals
    FROM deal
    JOIN period ON period.day = deal.closed_on
    WHERE status = 'won'
    GROUP BY ALL
),

attributed AS (
    SELECT period_kind, period, segment, model, sum(revenue_reporting) AS attributed
    FROM core.credit_daily
    JOIN period USING (day)
    WHERE basis = 'booked' AND team = 'marketing'
    GROUP BY ALL
),

-- the weights of a deal are the same in all its entries; a won deal always has the first
attributed_deals AS (
    SELECT period_kind, period, segment, line.model, sum(line.weight) AS attributed_deals
    FROM core.credit_line AS line
    JOIN deal ON deal.deal_id = line.deal_id
    JOIN core.journey_touch AS touch
        ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
    JOIN period ON period.day = deal.closed_on
    WHERE line.entry_no = 1 AND touch.team = 'marketing' AND deal.status = 'won'
    GROUP BY ALL
),

by_segment AS (
    SELECT
        period_kind, period, segment, model.model,
        coalesce(won_revenue, 0) AS won_revenue, coalesce(won_deals, 0) AS won_deals,
        coalesce(attributed, 0) AS attributed, coalesce(attributed_deals, 0) AS attributed_deals,
        coalesce(sourced_lead_source, 0) AS sourced_lead_source, coalesce(sourced_lead_source_deals, 0) AS sourced_lead_source_deals,
        coalesce(sourced_first_touch, 0) AS sourced_first_touch, coalesce(sourced_first_touch_deals, 0) AS sourced_first_touch_deals,
        coalesce(sourced_before_sales, 0) AS sourced_before_sales, coalesce(sourced_before_sales_deals, 0) AS sourced_before_sales_deals,
        coalesce(influenced, 0) AS influenced, coalesce(influenced_deals, 0) AS influenced_deals,
        coalesce(coverage, 0) AS coverage, coalesce(coverage_deals, 0) AS coverage_deals
    FROM revenue
    FULL JOIN won USING (period_kind, period, segment)
    CROSS JOIN model
    LEFT JOIN attributed USING (period_kind, period, segment, model)
    LEFT JOIN attributed_deals USING (period_kind, period, segment, model)
),

segment AS (
    SELECT period_kind, period, 'segment' AS segment_kind, segment, * EXCLUDE (period_kind, period, segment) FROM by_segment
    UNION ALL BY NAME
    SELECT period_kind, period, 'all' AS segment_kind, 'all' AS segment, model, sum(COLUMNS(* EXCLUDE (period_kind, period, segment, model)))
    FROM by_segment
    GROUP BY period_kind, period, model
)

SELECT
    period_kind, period, segment_kind, segment, model,
    won_revenue::DECIMAL(38, 3) AS won_revenue, won_deals::BIGINT AS won_deals,
    attributed::DECIMAL(38, 3) AS attributed,
    100 * attributed / nullif(won_revenue, 0) AS attributed_pct,
    attributed_deals::DECIMAL(38, 12) AS attributed_deals,
    100 * attributed_deals / nullif(won_deals, 0) AS attributed_deals_pct,
    sourced_lead_source::DECIMAL(38, 3) AS sourced_lead_source,
    100 * sourced_lead_source / nullif(won_revenue, 0) AS sourced_lead_source_pct,
    sourced_lead_source_deals::BIGINT AS sourced_lead_source_deals,
    100 * sourced_lead_source_deals / nullif(won_deals, 0) AS sourced_lead_source_deals_pct,
    sourced_first_touch::DECIMAL(38, 3) AS sourced_first_touch,
    100 * sourced_first_touch / nullif(won_revenue, 0) AS sourced_first_touch_pct,
    sourced_first_touch_deals::BIGINT AS sourced_first_touch_deals,
    100 * sourced_first_touch_deals / nullif(won_deals, 0) AS sourced_first_touch_deals_pct,
    sourced_before_sales::DECIMAL(38, 3) AS sourced_before_sales,
    100 * sourced_before_sales / nullif(won_revenue, 0) AS sourced_before_sales_pct,
    sourced_before_sales_deals::BIGINT AS sourced_before_sales_deals,
    100 * sourced_before_sales_deals / nullif(won_deals, 0) AS sourced_before_sales_deals_pct,
    influenced::DECIMAL(38, 3) AS influenced,
    100 * influenced / nullif(won_revenue, 0) AS influenced_pct,
    influenced_deals::BIGINT AS influenced_deals,
    100 * influenced_deals / nullif(won_deals, 0) AS influenced_deals_pct,
    coverage::DECIMAL(38, 3) AS coverage,
    100 * coverage / nullif(won_revenue, 0) AS coverage_pct,
    coverage_deals::BIGINT AS coverage_deals,
    100 * coverage_deals / nullif(won_deals, 0) AS coverage_deals_pct,
    target_pct,
    100 * attributed / nullif(won_revenue, 0) - target_pct AS gap_to_target
FROM segment
CROSS JOIN setting
ORDER BY period_kind, period, segment_kind, segment, model
