-- grain: one row per deal, model, touch and entry; rows of zero weight are left out; a deal without touches has unattributed rows
-- The one place where credit lines meet their deal, touch and entry: everything else reads it.
WITH line AS (
    SELECT model, journey, deal_id, ordinal, entry_no, weight, revenue, revenue_reporting FROM core.credit_line
),

entry AS (
    SELECT deal_id, entry_no, entry, booked_at, booked_on, is_final, currency, amount, source, event_id FROM core.entry
),

deal AS (
    SELECT deal_id, account_id, status, segment, opened_on, closed_on FROM core.deal
),

touch AS (
    SELECT
        journey, deal_id, ordinal, journey_length, touch_source, touch_id, touched_at, touched_on, position,
        campaign_id, channel, kind, team
    FROM core.journey_touch
),

campaign AS (
    SELECT campaign_id, counts_for FROM core.campaign
),

final AS (
    SELECT
        line.model, line.deal_id, deal.account_id, touch.touch_source, touch.touch_id, touch.campaign_id,
        coalesce(touch.channel, 'unattributed') AS channel, touch.kind, touch.team, touch.touched_at, touch.touched_on,
        nullif(touch.position, '') AS position,
        line.ordinal, entry.entry_no, entry.entry, entry.booked_at, entry.booked_on, entry.is_final, line.weight, entry.currency,
        line.revenue, line.revenue_reporting,
        line.journey, touch.journey_length,
        CASE WHEN line.ordinal = 0 THEN '(unattributed)' ELSE coalesce(campaign.counts_for, touch.campaign_id, '(none)') END AS campaign_key,
        deal.status AS deal_status, coalesce(deal.segment, '(none)') AS segment, deal.opened_on, deal.closed_on,
        entry.amount AS entry_amount, entry.source AS entry_source, entry.event_id AS entry_event_id
    FROM line
    JOIN entry ON entry.deal_id = line.deal_id AND entry.entry_no = line.entry_no
    JOIN deal ON deal.deal_id = line.deal_id
    LEFT JOIN touch ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
    LEFT JOIN campaign ON campaign.campaign_id = touch.campaign_id
)

SELECT * FROM final
