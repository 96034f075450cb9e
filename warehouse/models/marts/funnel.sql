-- grain: one row per period, view, segment and pair of stages
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar WHERE period_kind <> 'ttm'
),

step AS (
    SELECT * FROM core.lead_step
),

segment AS (
    SELECT lead_id, pass_no, segment_kind, segment FROM core.lead_segment
),

-- a cohort is dated by where it began; a passport stamps each stage in the month in which it was entered
dated AS (
    SELECT
        'cohort' AS view, entered_month AS month, lead_id, pass_no, from_stage, to_stage, 1 AS entered,
        (converted_month IS NOT NULL)::INTEGER AS converted, is_exited::INTEGER AS exited, is_inferred::INTEGER AS inferred,
        is_preexisting::INTEGER AS preexisting, days
    FROM step
    UNION ALL
    SELECT 'passport', entered_month, lead_id, pass_no, from_stage, to_stage, 1, 0, NULL, 0, 0, NULL FROM step
    UNION ALL
    SELECT
        'passport', converted_month, lead_id, pass_no, from_stage, to_stage, 0, 1, NULL, is_inferred::INTEGER, is_preexisting::INTEGER, days
    FROM step
    WHERE converted_month IS NOT NULL
),

-- counts of months add up to those of longer periods; quantiles do not
by_month AS (
    SELECT month, view, segment_kind, segment, from_stage, to_stage, sum(COLUMNS('^(entered|converted|exited|inferred|preexisting)$'))
    FROM dated
    JOIN segment USING (lead_id, pass_no)
    GROUP BY ALL
),

counted AS (
    SELECT
        period_kind, period, period_start, period_end, view, segment_kind, segment, from_stage, to_stage,
        sum(COLUMNS('^(entered|converted|exited|inferred|preexisting)$'))
    FROM by_month
    JOIN calendar USING (month)
    GROUP BY ALL
),

lasted AS (
    SELECT
        period_kind, period, view, segment_kind, segment, from_stage, to_stage,
        quantile_cont(days, 0.5) AS median_days, quantile_cont(days, 0.9) AS p90_days
    FROM dated
    JOIN segment USING (lead_id, pass_no)
    JOIN calendar USING (month)
    WHERE days IS NOT NULL
    GROUP BY ALL
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, view, segment_kind, segment, from_stage, to_stage, entered, converted,
        if(view = 'cohort', exited, NULL) AS exited,
        if(view = 'cohort', entered - converted - exited, NULL) AS open,
        inferred, preexisting,
        if(entered > 0, converted / entered, NULL) AS rate,
        if(view = 'cohort', marts.wilson_low(converted, entered), NULL) AS rate_low,
        if(view = 'cohort', marts.wilson_high(converted, entered), NULL) AS rate_high,
        median_days, p90_days
    FROM counted
    LEFT JOIN lasted USING (period_kind, period, view, segment_kind, segment, from_stage, to_stage)
)

SELECT * FROM final
