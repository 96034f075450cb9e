-- grain: one row per pass of a lead and pair of stages that has the first of them, with the second where it has that too
WITH stage AS (
    SELECT
        lead_id, pass_no, stage, entered_at, is_inferred, is_preexisting AND stage_rank >= 5 AS is_preexisting,
        exit IS NOT NULL AS is_left, marts.month_of(entered_on) AS month
    FROM core.lead_stage
),

pair AS (
    SELECT * FROM (
        VALUES
            ('inquiry', 'mql'), ('mql', 'sal'), ('sal', 'sql'), ('sql', 'opportunity'), ('opportunity', 'customer'),
            ('inquiry', 'customer'), ('mql', 'customer')
    ) AS pair (from_stage, to_stage)
),

final AS (
    SELECT
        start.lead_id, start.pass_no, from_stage, to_stage, start.month AS entered_month, goal.month AS converted_month,
        goal.stage IS NULL AND start.is_left AS is_exited,
        coalesce(goal.is_inferred, false) AS is_inferred, coalesce(goal.is_preexisting, false) AS is_preexisting,
        if(goal.is_inferred OR goal.is_preexisting, NULL, (epoch_us(goal.entered_at) - epoch_us(start.entered_at)) / 86400000000) AS days
    FROM pair
    JOIN stage AS start ON start.stage = from_stage
    LEFT JOIN stage AS goal ON goal.lead_id = start.lead_id AND goal.pass_no = start.pass_no AND goal.stage = to_stage
)

SELECT * FROM final
