-- grain: one row per rule and state of a deal that shows it
WITH state AS (
    SELECT deal_id, state_no, changed_at, status, stage, stage_rank, closed_at, is_spell_start, source, event_id FROM core.deal_state
),

size AS (
    SELECT
        max(size) FILTER (rule = 'closed_backdated') AS backdated_days,
        max(size) FILTER (rule = 'pushed') AS pushed_times
    FROM core.exception_rule
),

-- states without a rank are passed over
ranked AS (
    SELECT
        *, lag(stage_rank) OVER before AS rank_before, lag(status) OVER before AS status_before, lag(name) OVER before AS name_before
    FROM (SELECT *, if(status = 'won', 'won', stage) AS name FROM state WHERE stage_rank IS NOT NULL)
    WINDOW before AS (PARTITION BY deal_id ORDER BY state_no)
),

skipped AS (
    SELECT
        'stage_skipped' AS rule, deal_id, changed_at AS occurred_at, source, event_id,
        format('From {} it went to {}: stages skipped on the way: {}.', name_before, name, stage_rank - rank_before - 1) AS detail
    FROM ranked
    WHERE stage_rank > rank_before + 1
),

reverted AS (
    SELECT
        'stage_reverted' AS rule, deal_id, changed_at AS occurred_at, source, event_id,
        format('From {} it went back to {}.', name_before, name) AS detail
    FROM ranked
    WHERE status = 'open' AND status_before = 'open' AND stage_rank < rank_before
),

backdated AS (
    SELECT
        'closed_backdated' AS rule, deal_id, changed_at AS occurred_at, source, event_id,
        format('It was recorded as {} {:.1f} days after the date of its close.', status, late_us / 86400000000) AS detail
    FROM (SELECT *, epoch_us(changed_at) - epoch_us(closed_at) AS late_us FROM state WHERE status <> 'open') AS closed
    CROSS JOIN size
    WHERE is_spell_start AND state_no > 1 AND late_us > backdated_days * 86400000000
),

-- the expected close of a deal is that of its open states; those without one say nothing
expected AS (
    SELECT *, closed_at > lag(closed_at) OVER (PARTITION BY deal_id ORDER BY state_no) AS is_push
    FROM state
    WHERE status = 'open' AND closed_at IS NOT NULL
),

push AS (
    SELECT *, row_number() OVER (PARTITION BY deal_id ORDER BY state_no) AS push_no FROM expected WHERE is_push
),

pushed AS (
    SELECT
        'pushed' AS rule, deal_id, changed_at AS occurred_at, source, event_id,
        format('Its expected close was put off; times so far: {}.', push_no) AS detail
    FROM push
    CROSS JOIN size
    WHERE push_no = pushed_times
),

final AS (
    SELECT * FROM skipped
    UNION ALL
    SELECT * FROM reverted
    UNION ALL
    SELECT * FROM backdated
    UNION ALL
    SELECT * FROM pushed
)

SELECT * FROM final
