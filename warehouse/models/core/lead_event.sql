-- grain: one row per lead-stage event; a pass begins anew with an inquiry or an MQL that comes later than a rejection or a recycling
WITH RECURSIVE
fact AS (
    SELECT
        lead_id, source, event_id, occurred_at, stage, person_id, nullif(account_id, '') AS account_id, nullif(deal_id, '') AS deal_id,
        nullif(owner, '') AS owner, nullif(team, '') AS team, nullif(reason, '') AS reason, score, rule_version, attributes,
        json_extract_string(attributes, '$.segment') AS segment_label, list_position(marts.lead_stages(), stage) AS stage_rank
    FROM ledger.current_lead_stage
    WHERE marts.is_within_bounds(occurred_at)
),

event AS (
    SELECT
        fact.*, stage_rank IS NULL AS is_exit,
        row_number() OVER (PARTITION BY lead_id ORDER BY occurred_at, source, event_id) AS event_no
    FROM fact
),

-- of leads that never leave there is one pass, and nothing to follow
leaving AS (
    SELECT lead_id, event_no, occurred_at, is_exit, stage IN ('inquiry', 'mql') AS is_entry
    FROM event
    SEMI JOIN (SELECT lead_id FROM event WHERE is_exit) USING (lead_id)
),

-- for each event the first way in that is strictly later than the first way out at or after the event
followed AS (
    SELECT lead_id, event_no, next_start
    FROM (
        SELECT
            lead_id, event_no,
            min(event_no) FILTER (is_exit) OVER (
                PARTITION BY lead_id ORDER BY event_no ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS exit_no
        FROM leaving
    )
    JOIN (
        SELECT
            lead_id, event_no AS exit_no,
            min(event_no) FILTER (is_entry) OVER (
                PARTITION BY lead_id ORDER BY occurred_at RANGE BETWEEN INTERVAL 1 MICROSECOND FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS next_start
        FROM leaving
    ) USING (lead_id, exit_no)
    WHERE next_start IS NOT NULL
),

pass AS (
    SELECT DISTINCT lead_id, 1 AS pass_no, 1::BIGINT AS starts_with FROM leaving
    UNION ALL
    SELECT pass.lead_id, pass.pass_no + 1, followed.next_start
    FROM pass
    JOIN followed ON followed.lead_id = pass.lead_id AND followed.event_no = pass.starts_with
),

span AS (
    SELECT
        lead_id, pass_no, starts_with,
        lead(starts_with, 1, 9223372036854775807) OVER (PARTITION BY lead_id ORDER BY pass_no) AS ends_before
    FROM pass
),

final AS (
    SELECT event.*, coalesce(span.pass_no, 1) AS pass_no
    FROM event
    LEFT JOIN span
        ON span.lead_id = event.lead_id AND event.event_no >= span.starts_with AND event.event_no < span.ends_before
)

SELECT * FROM final
