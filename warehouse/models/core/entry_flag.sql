-- grain: one row per rule and entry that shows it
WITH entry AS (
    SELECT deal_id, entry, booked_at, currency, amount, abs(amount_reporting) AS money_at_risk, source, event_id
    FROM core.entry
    WHERE is_final
),

size AS (
    SELECT size AS refund_days FROM core.exception_rule WHERE rule = 'refund'
),

state AS (
    SELECT deal_id, source, event_id, status FROM core.deal_state
),

adjustment AS (
    SELECT * FROM entry WHERE entry = 'adjustment' AND amount < 0
),

booking AS (
    SELECT DISTINCT deal_id, booked_at AS begun_at FROM entry WHERE entry IN ('booking', 'rebooking')
),

amended AS (
    SELECT
        'amount_changed_after_close' AS rule, deal_id, booked_at AS occurred_at, source, event_id, money_at_risk,
        format('After it was won its amount changed by {} {}.', marts.plain(amount), currency) AS detail
    FROM entry
    WHERE entry = 'amendment'
),

-- a reversal by a won state is a change of currency
reopened AS (
    SELECT
        'reopened' AS rule, deal_id, booked_at AS occurred_at, source, event_id, money_at_risk,
        format('It was won and is {} again: {} {}.', status, marts.plain(amount), currency) AS detail
    FROM entry
    JOIN state USING (deal_id, source, event_id)
    WHERE entry = 'reversal' AND status <> 'won'
),

refunded AS (
    SELECT
        'refund' AS rule, adjustment.deal_id, booked_at AS occurred_at, source, event_id, money_at_risk,
        format('{:.1f} days after the booking: {} {}.', (epoch_us(booked_at) - epoch_us(begun_at)) / 86400000000, marts.plain(amount), currency) AS detail
    FROM adjustment
    ASOF JOIN booking ON booking.deal_id = adjustment.deal_id AND adjustment.booked_at >= booking.begun_at
    CROSS JOIN size
    WHERE epoch_us(booked_at) - epoch_us(begun_at) <= refund_days * 86400000000
),

final AS (
    SELECT * FROM amended
    UNION ALL
    SELECT * FROM reopened
    UNION ALL
    SELECT * FROM refunded
)

SELECT * FROM final
