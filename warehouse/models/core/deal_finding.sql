-- grain: one row per rule and deal that shows it, by its state now
WITH deal AS (
    SELECT deal_id, status, opened_at, opened_on, closed_at FROM core.deal_course
),

given_opening AS (
    SELECT deal_id, opened_at AS given_opened_at FROM core.deal
),

state AS (
    SELECT deal_id, source, event_id, has_contact, loss_reason FROM core.deal_state WHERE left_at IS NULL
),

current AS (
    SELECT deal.*, given_opened_at, source, event_id, has_contact, loss_reason
    FROM deal
    JOIN given_opening USING (deal_id)
    JOIN state USING (deal_id)
),

discount AS (
    SELECT deal_id, amount, list_amount, currency, excess_reporting FROM core.discounted JOIN core.discount USING (deal_id)
),

rule AS (
    SELECT rule, size FROM core.exception_rule
),

quarter AS (
    SELECT period, period_end, month FROM core.calendar WHERE period_kind = 'quarter'
),

named AS (
    SELECT DISTINCT deal_id FROM core.lead_deal
),

-- deals that a lead had brought to sales before they were opened
qualified AS (
    SELECT DISTINCT deal_id
    FROM core.lead_deal
    JOIN core.lead_entry USING (lead_id, pass_no)
    JOIN deal USING (deal_id)
    WHERE stage = 'sql' AND NOT is_inferred AND entered_at <= opened_at
),

closed_early AS (
    SELECT
        'closed_before_opened' AS rule, deal_id, closed_at AS occurred_at, source, event_id,
        format(
            'Its close is dated {:.1f} days before its opening.', (epoch_us(given_opened_at) - epoch_us(closed_at)) / 86400000000
        ) AS detail
    FROM current
    WHERE closed_at < given_opened_at
),

discounted AS (
    SELECT
        'discount' AS rule, deal_id, closed_at AS occurred_at, source, event_id,
        format(
            'Sold for {} of {} {}; at most {} % off was agreed.', marts.plain(amount), marts.plain(list_amount), currency, marts.plain(size)
        ) AS detail,
        excess_reporting
    FROM current
    JOIN discount USING (deal_id)
    JOIN rule ON rule.rule = 'discount'
),

without_contact AS (
    SELECT 'no_contact' AS rule, deal_id, closed_at AS occurred_at, source, event_id, 'Won, and no contact is known.' AS detail
    FROM current
    WHERE status = 'won' AND NOT has_contact
),

without_reason AS (
    SELECT 'no_loss_reason' AS rule, deal_id, closed_at AS occurred_at, source, event_id, 'Lost, and nobody said why.' AS detail
    FROM current
    WHERE status = 'lost' AND loss_reason IS NULL
),

at_quarter_end AS (
    SELECT
        'quarter_end' AS rule, deal_id, closed_at AS occurred_at, source, event_id,
        format('Lost; it was opened on day {} before {} was over.', period_end - opened_on + 1, period) AS detail
    FROM current
    JOIN quarter ON quarter.month = marts.month_of(opened_on)
    JOIN rule ON rule.rule = 'quarter_end'
    WHERE status = 'lost' AND period_end - opened_on < size
),

bypassed AS (
    SELECT
        'bypassed_lead' AS rule, deal_id, opened_at AS occurred_at, source, event_id,
        'Opened before any lead of it was accepted as an SQL.' AS detail
    FROM current
    SEMI JOIN named USING (deal_id)
    ANTI JOIN qualified USING (deal_id)
),

stale AS (
    SELECT
        'stale' AS rule, deal_id, as_of AS occurred_at, source, event_id,
        format('Nothing happened in it for {:.1f} days; half of all wins take at most {:.1f} days.', quiet_days, usual_days) AS detail
    FROM core.stale_deal
),

final AS (
    SELECT * FROM closed_early
    UNION ALL BY NAME
    SELECT * FROM discounted
    UNION ALL BY NAME
    SELECT * FROM without_contact
    UNION ALL BY NAME
    SELECT * FROM without_reason
    UNION ALL BY NAME
    SELECT * FROM at_quarter_end
    UNION ALL BY NAME
    SELECT * FROM stale
    UNION ALL BY NAME
    SELECT * FROM bypassed
)

SELECT * FROM final
