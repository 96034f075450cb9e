-- grain: one row per lead, pass and stage
WITH entry AS (
    SELECT lead_id, pass_no, stage, stage_rank, entered_at, is_inferred FROM core.lead_entry
),

pass AS (
    SELECT
        lead_id, pass_no, is_preexisting, account_id, segment, channel, campaign_id, owner, team, deal_id, exit, exit_at, exit_reason
    FROM core.lead_pass
),

clock AS (
    SELECT starts_at, offset_us FROM core.clock
),

final AS (
    SELECT entry.*, marts.local_day(entry.entered_at, clock.offset_us) AS entered_on, pass.* EXCLUDE (lead_id, pass_no)
    FROM entry
    JOIN pass USING (lead_id, pass_no)
    ASOF JOIN clock ON entry.entered_at >= clock.starts_at
)

SELECT * FROM final
