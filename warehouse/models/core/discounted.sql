-- grain: one row per won deal that was sold for less than the list price and the largest discount leave
WITH rule AS (
    SELECT (100 - size)::DECIMAL(9, 6) AS least_pct FROM core.exception_rule WHERE rule = 'discount'
),

-- a won deal has the rate of the day on which it was booked, or booked anew
booked AS (
    SELECT deal_id, arg_max(booked_on, entry_no) AS rate_day
    FROM core.entry
    WHERE entry IN ('booking', 'rebooking')
    GROUP BY deal_id
),

deal AS (
    SELECT deal_id, currency, amount, list_amount, list_amount::DECIMAL(27, 3) * least_pct * 0.01 - amount AS excess
    FROM core.deal
    CROSS JOIN rule
    WHERE status = 'won' AND list_amount > 0
),

final AS (
    SELECT deal.*, booked.rate_day FROM deal LEFT JOIN booked USING (deal_id) WHERE excess > 0
)

SELECT * FROM final
