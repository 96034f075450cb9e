-- grain: one row per month and segment in which deals were opened, won or lost, or began or ceased to be open
WITH month AS (
    SELECT month, ends_at FROM core.calendar WHERE period_kind = 'month'
),

deal AS (
    SELECT deal_id, status, opened_on, closed_on, cycle_us FROM core.deal_course
),

valued AS (
    SELECT deal_id, amount_reporting AS won_value FROM core.deal WHERE amount IS NOT NULL AND amount_reporting IS NOT NULL
),

segment AS (
    SELECT deal_id, segment_kind, segment FROM core.deal_segment
),

open_state AS (
    SELECT deal_id, changed_at, left_at
    FROM core.deal_state
    WHERE status = 'open' AND NOT is_deleted AND (left_at IS NULL OR left_at > changed_at)
),

-- a deal that begins and ceases to be open within a month is not there at its end
move AS (
    SELECT deal_id, changed_at AS moved_at, 1 AS moved FROM open_state
    UNION ALL
    SELECT deal_id, left_at, -1 FROM open_state WHERE left_at IS NOT NULL
),

happened AS (
    SELECT deal_id, marts.month_of(opened_on) AS month, 1 AS opened FROM deal
    UNION ALL BY NAME
    SELECT deal_id, marts.month_of(closed_on) AS month, 1 AS won, cycle_us, won_value, if(won_value IS NULL, 0, 1) AS valued
    FROM deal
    LEFT JOIN valued USING (deal_id)
    WHERE status = 'won'
    UNION ALL BY NAME
    SELECT deal_id, marts.month_of(closed_on) AS month, 1 AS lost FROM deal WHERE status = 'lost'
    UNION ALL BY NAME
    SELECT deal_id, month, moved FROM move ASOF JOIN month ON moved_at <= ends_at
),

final AS (
    SELECT
        month, segment_kind, segment, coalesce(sum(opened), 0) AS opened, coalesce(sum(won), 0) AS won, coalesce(sum(lost), 0) AS lost,
        coalesce(sum(moved), 0) AS more_open, coalesce(sum(valued), 0) AS valued, coalesce(sum(won_value), 0) AS won_value,
        coalesce(sum(cycle_us), 0) AS cycle_us
    FROM happened
    JOIN segment USING (deal_id)
    GROUP BY ALL
)

SELECT * FROM final
