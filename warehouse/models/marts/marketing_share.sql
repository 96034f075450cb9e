-- grain: one row per period, segment and model
WITH period AS (
    SELECT day, period_kind, period FROM core.period
),

span AS (
    SELECT DISTINCT period_kind, period, starts_on AS period_start, ends_on AS period_end FROM core.period
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
    FROM core.journey
    GROUP BY deal_id
),

-- money that is held is dated nowhere
entry AS (
    SELECT deal_id, booked_on AS day, amount_reporting FROM core.entry WHERE is_final AND amount_reporting IS NOT NULL
),

-- one flag for each measure that goes by deals; it is named after the measure
deal AS (
    SELECT
        deal_id, status, closed_on, coalesce(segment, '(none)') AS segment,
        coalesce(list_contains(lead_sources, lead_source), false) AS is_sourced_lead_source,
        coalesce(first_team = 'marketing', false) AS is_sourced_first_touch,
        first_marketing IS NOT NULL AND (first_sales IS NULL OR first_marketing < first_sales) AS is_sourced_before_sales,
        first_marketing IS NOT NULL AS is_influenced,
        first_team IS NOT NULL AS is_coverage
    FROM core.deal
    LEFT JOIN team USING (deal_id)
    CROSS JOIN setting
),

revenue AS (
    SELECT
        period_kind, period, segment,
        sum(amount_reporting) AS won_revenue,
        sum(amount_reporting) FILTER (COLUMNS('^is_(.*)$')) AS '\1'
    FROM entry
    JOIN deal USING (deal_id)
    JOIN period USING (day)
    GROUP BY period_kind, period, segment
),

won AS (
    SELECT
        period_kind, period, segment,
        count(*) AS won_deals,
        count_if(COLUMNS('^is_(.*)$')) AS '\1_deals'
    FROM deal
    JOIN period ON period.day = deal.closed_on
    WHERE status = 'won'
    GROUP BY period_kind, period, segment
),

attributed AS (
    SELECT period_kind, period, segment, model, sum(revenue_reporting) AS attributed
    FROM core.credit_daily
    JOIN period USING (day)
    WHERE basis = 'booked' AND team = 'marketing'
    GROUP BY ALL
),

-- the weights of a deal are the same in all its entries; a won deal always has the first
-- rounded as they are, they may add up to a little more or less than the whole deal: one that is all marketing's is one
marketing_weight AS (
    SELECT
        closed_on AS day, segment, model, deal_id,
        if(bool_and(team IS NOT DISTINCT FROM 'marketing'), 1, least(1, coalesce(sum(weight) FILTER (team = 'marketing'), 0))) AS weight
    FROM core.credit
    WHERE entry_no = 1 AND deal_status = 'won'
    GROUP BY ALL
),

attributed_deals AS (
    SELECT period_kind, period, segment, model, sum(weight) AS attributed_deals
    FROM marketing_weight
    JOIN period USING (day)
    GROUP BY ALL
),

by_segment AS (
    SELECT period_kind, period, segment, model, coalesce(COLUMNS(* EXCLUDE (period_kind, period, segment, model)), 0)
    FROM revenue
    FULL JOIN won USING (period_kind, period, segment)
    CROSS JOIN model
    LEFT JOIN attributed USING (period_kind, period, segment, model)
    LEFT JOIN attributed_deals USING (period_kind, period, segment, model)
),

segment AS (
    SELECT 'segment' AS segment_kind, * FROM by_segment
    UNION ALL BY NAME
    SELECT 'all' AS segment_kind, period_kind, period, 'all' AS segment, model,
        sum(COLUMNS(* EXCLUDE (period_kind, period, segment, model)))
    FROM by_segment
    GROUP BY period_kind, period, model
),

final AS (
    SELECT
        segment.*, period_start, period_end, target_pct,
        marts.percent(COLUMNS('^(attributed|sourced_(?:lead_source|first_touch|before_sales)|influenced|coverage)$'), won_revenue) AS '\1_pct',
        marts.percent(COLUMNS('^(attributed|sourced_.*|influenced|coverage)_deals$'), won_deals) AS '\1_deals_pct',
        marts.percent(attributed, won_revenue) - target_pct AS gap_to_target
    FROM segment
    JOIN span USING (period_kind, period)
    CROSS JOIN setting
)

SELECT * FROM final
