-- grain: one row per period, kind of segment, segment and model
WITH period AS (
    SELECT DISTINCT
        marts.month_of(day) AS month, period_kind, period, starts_on AS period_start, ends_on AS period_end
    FROM core.period
),

setting AS (
    SELECT target_pct, fiscal_year_start_month AS start_month FROM core.setting
),

deal AS (
    SELECT
        deal_id, coalesce(COLUMNS('^(segment|region|deal_type|product|owner)$'), '(none)'),
        COLUMNS('^is_.*$')
    FROM core.deal
    JOIN core.deal_flag USING (deal_id)
),

-- one measure for each flag: of a deal that has it, all revenue and the whole deal
measured AS (
    SELECT
        month, model, segment, region, deal_type, product, owner, won_revenue, won_deals, attributed, attributed_deals,
        if(COLUMNS('^is_(.*)$'), won_revenue, 0) AS '\1',
        if(COLUMNS('^is_(.*)$'), won_deals, 0) AS '\1_deals'
    FROM core.deal_month
    JOIN deal USING (deal_id)
),

by_month AS (
    SELECT
        month, model, segment, region, deal_type, product, owner,
        sum(COLUMNS(* EXCLUDE (month, model, segment, region, deal_type, product, owner)))
    FROM measured
    GROUP BY GROUPING SETS (
        (month, model), (month, model, segment), (month, model, region), (month, model, deal_type), (month, model, product), (month, model, owner)
    )
),

-- (none) stands for null above: what is null here was not grouped by
segmented AS (
    SELECT
        month, model, * EXCLUDE (month, model, segment, region, deal_type, product, owner),
        CASE
            WHEN segment IS NOT NULL THEN 'segment'
            WHEN region IS NOT NULL THEN 'region'
            WHEN deal_type IS NOT NULL THEN 'deal_type'
            WHEN product IS NOT NULL THEN 'product'
            WHEN owner IS NOT NULL THEN 'owner'
            ELSE 'all'
        END AS segment_kind,
        coalesce(segment, region, deal_type, product, owner, 'all') AS segment
    FROM by_month
),

-- twelve months each, from eleven after the first month with a row to the last one
trailing_year AS (
    SELECT
        (first_month + to_months(back + later))::DATE AS month, 'ttm' AS period_kind,
        marts.period_name('ttm', (first_month + to_months(later))::DATE, start_month) AS period,
        (first_month + to_months(later))::DATE AS period_start, (first_month + to_months(later + 12))::DATE - 1 AS period_end
    FROM (SELECT min(month) AS first_month, max(month) AS last_month FROM segmented)
    CROSS JOIN range(datediff('month', first_month, last_month) - 10) AS year (later)
    CROSS JOIN range(12) AS step (back)
    CROSS JOIN setting
),

in_period AS (
    SELECT
        period_kind, period, period_start, period_end, segment_kind, segment, model,
        sum(COLUMNS(* EXCLUDE (month, period_kind, period, period_start, period_end, segment_kind, segment, model)))
    FROM segmented
    JOIN (FROM period UNION ALL BY NAME FROM trailing_year) USING (month)
    GROUP BY ALL
),

final AS (
    SELECT
        in_period.*, target_pct,
        marts.percent(COLUMNS('^(attributed|sourced_(?:lead_source|first_touch|before_sales)|influenced|coverage)$'), won_revenue) AS '\1_pct',
        marts.percent(COLUMNS('^(attributed|sourced_.*|influenced|coverage)_deals$'), won_deals) AS '\1_deals_pct',
        marts.percent(attributed, won_revenue) - target_pct AS gap_to_target
    FROM in_period
    CROSS JOIN setting
)

SELECT * FROM final
