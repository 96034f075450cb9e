-- grain: one row per lead
WITH about AS (
    SELECT lead_id, passes, first_at, person_id, account_id, segment, owner, team FROM core.lead_about
),

entry AS (
    SELECT lead_id, pass_no AS passes, arg_max(stage, stage_rank) AS current_stage FROM core.lead_entry GROUP BY ALL
),

final AS (
    SELECT about.*, entry.current_stage FROM about LEFT JOIN entry USING (lead_id, passes)
)

SELECT * FROM final
