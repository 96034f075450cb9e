-- grain: one row per deal, model and touch with a weight; unattributed deals have one row per model
WITH line AS (
    SELECT model, journey, deal_id, ordinal, entry_no, weight, revenue, revenue_reporting FROM core.credit_line
),

entry AS (
    SELECT deal_id, entry_no, entry, booked_at, is_final, currency, amount, source, event_id FROM core.entry
),

credited AS (
    SELECT
        line.model, line.journey, line.deal_id, line.ordinal, any_value(line.weight) AS share,
        sum(line.revenue_reporting) FILTER (entry.is_final) AS revenue_reporting,
        list(
            {
                'entry_no': entry.entry_no, 'entry': entry.entry, 'booked_at': entry.booked_at, 'currency': entry.currency,
                'amount': entry.amount, 'credit': line.revenue, 'credit_reporting': line.revenue_reporting,
                'source': entry.source, 'event_id': entry.event_id
            }
            ORDER BY entry.entry_no
        ) AS entries
    FROM line
    JOIN entry ON entry.deal_id = line.deal_id AND entry.entry_no = line.entry_no
    GROUP BY line.model, line.journey, line.deal_id, line.ordinal
),

final AS (
    SELECT
        credited.model, credited.deal_id, deal.account_id, credited.ordinal, touch.journey_length, touch.touched_at,
        touch.touch_source, touch.touch_id, touch.campaign_id, coalesce(touch.channel, 'unattributed') AS channel, touch.kind, touch.team,
        touch.position, model.rule, credited.share, credited.revenue_reporting, credited.entries
    FROM credited
    JOIN core.deal AS deal ON deal.deal_id = credited.deal_id
    JOIN core.model AS model ON model.model = credited.model
    LEFT JOIN core.journey_touch AS touch
        ON touch.deal_id = credited.deal_id AND touch.ordinal = credited.ordinal AND touch.journey = credited.journey
)

SELECT * FROM final
