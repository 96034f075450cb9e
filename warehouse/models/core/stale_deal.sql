-- grain: one row per deal that is open now and in which nothing has happened for much longer than winning takes
WITH now AS (
    SELECT as_of, epoch_us(as_of) AS as_of_us FROM core.setting
),

rule AS (
    SELECT size AS factor, min_won FROM core.exception_rule WHERE rule = 'stale'
),

course AS (
    SELECT deal_id, status, coalesce(segment, '(none)') AS segment, cycle_us FROM core.deal_course
),

state AS (
    SELECT deal_id, changed_at, source, event_id
    FROM core.deal_state
    JOIN now ON changed_at <= as_of AND (left_at > as_of OR left_at IS NULL)
    WHERE status = 'open' AND NOT is_deleted
),

touch AS (
    SELECT deal_id, max(touched_at) AS touched_at FROM core.journey JOIN now ON touched_at <= as_of GROUP BY deal_id
),

-- twice the median is a whole number of microseconds; of too few deals it says nothing
median_of_segment AS (
    SELECT segment, (2 * quantile_cont(cycle_us, 0.5))::BIGINT AS twice_median_us
    FROM course
    CROSS JOIN rule
    WHERE status = 'won'
    GROUP BY segment, min_won
    HAVING count(*) >= min_won
),

median_of_all AS (
    SELECT (2 * quantile_cont(cycle_us, 0.5))::BIGINT AS twice_median_us
    FROM course
    CROSS JOIN rule
    WHERE status = 'won'
    GROUP BY min_won
    HAVING count(*) >= min_won
),

-- a deal without a touch is as quiet as its state
quiet AS (
    SELECT
        state.*, coalesce(median_of_segment.twice_median_us, median_of_all.twice_median_us) AS twice_median_us,
        as_of, as_of_us - epoch_us(greatest(changed_at, touched_at)) AS quiet_us
    FROM state
    JOIN course USING (deal_id)
    CROSS JOIN now
    LEFT JOIN touch USING (deal_id)
    LEFT JOIN median_of_segment USING (segment)
    LEFT JOIN median_of_all ON true
),

final AS (
    SELECT deal_id, source, event_id, as_of, quiet_us / 86400000000 AS quiet_days, twice_median_us / 172800000000 AS usual_days
    FROM quiet
    CROSS JOIN rule
    WHERE 2 * quiet_us > factor * twice_median_us
)

SELECT * FROM final
