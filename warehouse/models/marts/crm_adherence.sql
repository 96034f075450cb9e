-- grain: one row per period, segment and check, and for all checks together
WITH chosen AS (
    SELECT unnest(adherence_checks) AS "check" FROM core.agreement
),

-- owners and segments add up, so they are counted before the checks and the kinds of segments multiply them
counted AS (
    SELECT
        period_kind, period, period_start, period_end, coalesce(owner, '(none)') AS owner, coalesce(segment, '(none)') AS segment,
        count_if(COLUMNS(* EXCLUDE (period_kind, period, period_start, period_end, deal_id, owner, segment))) AS '\0_passed',
        count(COLUMNS(* EXCLUDE (period_kind, period, period_start, period_end, deal_id, owner, segment))) AS '\0_applicable'
    FROM core.deal_check
    GROUP BY ALL
),

deal AS (
    UNPIVOT counted
    ON
        (amount_present_passed, amount_present_applicable) AS amount_present,
        (contacts_linked_passed, contacts_linked_applicable) AS contacts_linked,
        (next_step_present_passed, next_step_present_applicable) AS next_step_present,
        (updated_recently_passed, updated_recently_applicable) AS updated_recently,
        (close_date_ahead_passed, close_date_ahead_applicable) AS close_date_ahead,
        (loss_reason_present_passed, loss_reason_present_applicable) AS loss_reason_present,
        (won_with_contact_passed, won_with_contact_applicable) AS won_with_contact,
        (activity_logged_passed, activity_logged_applicable) AS activity_logged,
        (stages_in_order_passed, stages_in_order_applicable) AS stages_in_order
    INTO NAME "check" VALUE passed, applicable
),

lead AS (
    SELECT
        period_kind, period, period_start, period_end, coalesce(owner, '(none)') AS owner, coalesce(segment, '(none)') AS segment,
        'answered_in_time' AS "check",
        count_if(answered_in_time) AS passed, count(*) AS applicable
    FROM core.lead_check
    GROUP BY ALL
),

cell AS (
    SELECT * FROM deal SEMI JOIN chosen USING ("check") WHERE applicable > 0
    UNION ALL BY NAME
    SELECT * FROM lead SEMI JOIN chosen USING ("check")
),

segmented AS (
    SELECT * EXCLUDE (owner, segment), 'all' AS segment_kind, 'all' AS segment FROM cell
    UNION ALL
    SELECT * EXCLUDE (owner, segment), 'segment', segment FROM cell
    UNION ALL
    SELECT * EXCLUDE (owner, segment), 'owner', owner FROM cell
),

added AS (
    SELECT
        period_kind, period, period_start, period_end, segment_kind, segment, "check", sum(passed) AS passed, sum(applicable) AS applicable
    FROM segmented
    GROUP BY ALL
),

together AS (
    SELECT * FROM added
    UNION ALL
    SELECT period_kind, period, period_start, period_end, segment_kind, segment, 'all', sum(passed), sum(applicable) FROM added GROUP BY ALL
),

final AS (
    SELECT *, 100 * passed / applicable AS score FROM together
)

SELECT * FROM final
