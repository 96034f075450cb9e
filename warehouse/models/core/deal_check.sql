-- grain: one row per period and deal that was open when the period is looked at, or was won or lost in it
WITH period AS (
    SELECT period_no, begins_at, asked_at FROM core.asked_period
),

span AS (
    SELECT period_no, period_kind, period, period_start, period_end FROM core.asked_period
),

agreement AS (
    SELECT update_days, len(sales_stages) > 0 AS has_stages FROM core.agreement
),

state AS (
    SELECT * FROM core.deal_state
),

open_then AS (
    SELECT period_no, asked_at, state.*
    FROM state
    JOIN period ON asked_at >= changed_at AND asked_at < coalesce(left_at, 'infinity'::TIMESTAMPTZ)
    WHERE status = 'open' AND NOT is_deleted
),

-- deals that may have been won or lost in a period: some state of it says so
closing AS (
    SELECT DISTINCT period_no, begins_at, asked_at, deal_id
    FROM (SELECT DISTINCT deal_id, changed_at FROM state WHERE status <> 'open') AS closed
    JOIN period ON changed_at BETWEEN begins_at AND asked_at
),

-- the state then is the highest of those that were there, and its spell began with the last of them that changed the status
seen AS (
    SELECT
        period_no, begins_at, asked_at, deal_id, state_no, changed_at,
        status IS DISTINCT FROM lag(status) OVER (PARTITION BY period_no, deal_id ORDER BY state_no) AS is_spell_start
    FROM closing
    JOIN state USING (deal_id)
    WHERE changed_at <= asked_at
),

spell AS (
    SELECT
        period_no, begins_at, asked_at, deal_id, max(state_no) AS state_no,
        arg_max(changed_at, state_no) FILTER (is_spell_start) AS begun_at
    FROM seen
    GROUP BY ALL
),

closed_then AS (
    SELECT period_no, asked_at, state.*
    FROM spell
    JOIN state USING (deal_id, state_no)
    WHERE begun_at >= begins_at AND status <> 'open' AND NOT is_deleted
),

sales_touch AS (
    SELECT deal_id, min(touched_at) AS sales_touched_at FROM core.journey WHERE team = 'sales' GROUP BY deal_id
),

disorder AS (
    SELECT deal_id, min(occurred_at) AS disordered_at
    FROM marts.sales_exception
    WHERE rule IN ('stage_skipped', 'stage_reverted')
    GROUP BY deal_id
),

open_check AS (
    SELECT
        period_no, deal_id, owner, segment,
        amount IS NOT NULL AS amount_present,
        has_contact AS contacts_linked,
        next_step IS NOT NULL AS next_step_present,
        epoch_us(asked_at) - epoch_us(changed_at) <= update_days * 86400000000 AS updated_recently,
        coalesce(closed_at >= asked_at, false) AS close_date_ahead
    FROM open_then
    CROSS JOIN agreement
),

closed_check AS (
    SELECT
        period_no, deal_id, owner, segment,
        if(status = 'lost', loss_reason IS NOT NULL, NULL) AS loss_reason_present,
        if(status = 'won', has_contact, NULL) AS won_with_contact,
        coalesce(sales_touched_at <= closed_at, false) AS activity_logged,
        if(has_stages, coalesce(disordered_at > asked_at, true), NULL) AS stages_in_order
    FROM closed_then
    CROSS JOIN agreement
    LEFT JOIN sales_touch USING (deal_id)
    LEFT JOIN disorder USING (deal_id)
),

checked AS (
    SELECT * FROM open_check
    UNION ALL BY NAME
    SELECT * FROM closed_check
),

final AS (
    SELECT span.* EXCLUDE (period_no), checked.* EXCLUDE (period_no) FROM checked JOIN span USING (period_no)
)

SELECT * FROM final
