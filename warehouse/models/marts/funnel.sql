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
        'cohort' AS view, entered_month AS month, lead_id, pass_no, from_stage, to_stage, true AS is_entered,
        converted_month IS NOT NULL AS is_converted, is_exited, is_inferred, is_preexisting, days
    FROM step
    UNION ALL
    SELECT 'passport', entered_month, lead_id, pass_no, from_stage, to_stage, true, false, NULL, false, false, NULL FROM step
    UNION ALL
    SELECT
        'passport', converted_month, lead_id, pass_no, from_stage, to_stage, false, true, NULL, is_inferred, is_preexisting, days
    FROM step
    WHERE converted_month IS NOT NULL
),

counted AS (
    SELECT
        period_kind, period, period_start, period_end, view, segment_kind, segment, from_stage, to_stage,
        count_if(is_entered) AS entered, count_if(is_converted) AS converted, count_if(is_exited) AS exited,
        count_if(is_converted AND is_inferred) AS inferred, count_if(is_converted AND is_preexisting) AS preexisting,
        quantile_cont(days, 0.5) AS median_days, quantile_cont(days, 0.9) AS p90_days
    FROM dated
    JOIN segment USING (lead_id, pass_no)
    JOIN calendar USING (month)
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
)

SELECT * FROM final
