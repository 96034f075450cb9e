-- grain: one row per period and lead that was handed over in it, and answered, or due, when the period is looked at
WITH period AS (
    SELECT period_kind, period, period_start, period_end, asked_at FROM core.asked_period
),

calendar AS (
    SELECT period_kind, period, month FROM core.calendar
),

sla AS (
    SELECT
        lead_id, pass_no, rule_id, from_stage, to_stage, marts.month_of(handed_on) AS month, due_at, answered_at, owner,
        segment
    FROM marts.lead_sla
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, lead_id, pass_no, rule_id, from_stage, to_stage, owner, segment,
        coalesce(answered_at <= due_at, false) AS answered_in_time
    FROM sla
    JOIN calendar USING (month)
    JOIN period USING (period_kind, period)
    WHERE answered_at <= asked_at OR due_at <= asked_at
)

SELECT * FROM final
