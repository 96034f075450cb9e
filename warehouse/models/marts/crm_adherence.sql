-- grain: one row per period, segment and check, and for all checks together
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

asked AS (
    SELECT period_kind, period, period_start, period_end, "check", owner, segment, is_passed FROM deal
    UNION ALL
    SELECT period_kind, period, period_start, period_end, "check", owner, segment, is_passed FROM lead
),

-- owners and segments add up, so they are counted before their kinds multiply them
cell AS (
    SELECT
        period_kind, period, period_start, period_end, "check", coalesce(owner, '(none)') AS owner, coalesce(segment, '(none)') AS segment,
        count_if(is_passed) AS passed, count(*) AS applicable
    FROM asked
    SEMI JOIN chosen USING ("check")
    GROUP BY ALL
),

checked AS (
    SELECT * FROM cell
    UNION ALL
    SELECT * REPLACE ('all' AS "check") FROM cell
),

segmented AS (
    SELECT * EXCLUDE (owner, segment), 'all' AS segment_kind, 'all' AS segment FROM checked
    UNION ALL
    SELECT * EXCLUDE (owner, segment), 'segment', segment FROM checked
    UNION ALL
    SELECT * EXCLUDE (owner, segment), 'owner', owner FROM checked
),

added AS (
    SELECT
        period_kind, period, period_start, period_end, segment_kind, segment, "check", sum(passed) AS passed, sum(applicable) AS applicable
    FROM segmented
    GROUP BY ALL
),

final AS (
    SELECT *, 100 * passed / applicable AS score FROM added
)

SELECT * FROM final
