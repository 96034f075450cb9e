-- grain: one row per period, check and deal or lead that fails it
WITH chosen AS (
    SELECT unnest(adherence_checks) AS "check" FROM core.agreement
),

deal AS (
    UNPIVOT core.deal_check
    ON amount_present, contacts_linked, next_step_present, updated_recently, close_date_ahead,
        loss_reason_present, won_with_contact, activity_logged, stages_in_order
    INTO NAME "check" VALUE is_passed
),

lead AS (
    UNPIVOT core.lead_check ON answered_in_time INTO NAME "check" VALUE is_passed
),

failed AS (
    SELECT * FROM deal WHERE NOT is_passed
    UNION ALL BY NAME
    SELECT * FROM lead WHERE NOT is_passed
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, "check",
        coalesce(deal_id, concat_ws(':', lead_id, pass_no, from_stage, to_stage)) AS record,
        deal_id, lead_id, pass_no, rule_id, from_stage, to_stage, owner, segment
    FROM failed
    SEMI JOIN chosen USING ("check")
)

SELECT * FROM final
