-- grain: one row per pass of a lead that is handed over, and pair of stages with a rule: how long the answer may take, and which came
-- of equal days the later in the configuration
WITH rule AS (
    SELECT from_stage, to_stage, coalesce(valid_from, DATE '0001-01-01') AS valid_from, max(rule_no) AS rule_no
    FROM core.lead_sla_rule
    GROUP BY ALL
),

entry AS (
    SELECT lead_id, pass_no, stage AS from_stage, entered_at AS handed_at FROM core.lead_entry WHERE NOT is_inferred
),

clock AS (
    SELECT starts_at, offset_us FROM core.clock
),

dated AS (
    SELECT entry.*, marts.local_day(handed_at, offset_us) AS handed_on FROM entry ASOF JOIN clock ON handed_at >= starts_at
),

handed AS (
    SELECT
        dated.lead_id, dated.pass_no, dated.handed_at, dated.handed_on, rule_id, rule.from_stage, rule.to_stage, hours,
        list_position(marts.lead_stages(), rule.to_stage) AS to_rank
    FROM (SELECT * FROM dated JOIN (SELECT DISTINCT from_stage, to_stage FROM rule) USING (from_stage)) AS dated
    ASOF JOIN rule
        ON rule.from_stage = dated.from_stage AND rule.to_stage = dated.to_stage AND dated.handed_on >= rule.valid_from
    JOIN core.lead_sla_rule USING (rule_no)
),

event AS (
    SELECT lead_id, pass_no, event_no, occurred_at, stage, stage_rank, is_exit, owner, team FROM core.lead_event
),

deal AS (
    SELECT lead_id, pass_no, opened FROM core.lead_deal WHERE is_of_pass
),

answer AS (
    SELECT lead_id, pass_no, from_stage, to_stage, if(is_exit, event.stage, 'accepted') AS answer, occurred_at AS answered_at, event_no
    FROM handed
    JOIN event USING (lead_id, pass_no)
    WHERE occurred_at >= handed_at AND (is_exit OR event.stage_rank >= to_rank)
    UNION ALL
    SELECT lead_id, pass_no, from_stage, to_stage, 'accepted', opened, 0
    FROM handed
    JOIN deal USING (lead_id, pass_no)
    WHERE opened > handed_at AND to_rank <= 5
),

-- at one instant the acceptance comes first
answered AS (
    SELECT
        lead_id, pass_no, from_stage, to_stage, min(answered_at) AS answered_at,
        arg_min(answer, (answered_at, answer <> 'accepted', event_no)) AS answer
    FROM answer
    GROUP BY ALL
),

whose AS (
    SELECT
        lead_id, pass_no, from_stage, to_stage, arg_max(event.owner, event_no) AS owner, arg_max(event.team, event_no) AS team
    FROM handed
    JOIN event USING (lead_id, pass_no)
    WHERE occurred_at <= handed_at
    GROUP BY ALL
),

pass AS (
    SELECT lead_id, pass_no, channel, segment FROM core.lead_pass
),

setting AS (
    SELECT as_of FROM core.setting
),

final AS (
    SELECT
        handed.* EXCLUDE (to_rank), coalesce(answered.answer, 'none') AS answer, answered.answered_at, as_of,
        pass.channel, pass.segment, whose.owner, whose.team
    FROM handed
    JOIN pass USING (lead_id, pass_no)
    CROSS JOIN setting
    LEFT JOIN answered USING (lead_id, pass_no, from_stage, to_stage)
    LEFT JOIN whose USING (lead_id, pass_no, from_stage, to_stage)
)

SELECT * FROM final
