-- grain: one row per deal, model, touch and entry; rows of zero weight are left out; a deal without touches has unattributed rows
SELECT
    line.model, line.deal_id, deal.account_id, touch.touch_source, touch.touch_id, touch.campaign_id,
    coalesce(touch.channel, 'unattributed') AS channel, touch.kind, touch.team, touch.touched_at, touch.touched_on, touch.position,
    line.ordinal, entry.entry_no, entry.entry, entry.booked_at, entry.booked_on, entry.is_final, line.weight, entry.currency,
    line.revenue, line.revenue_reporting
FROM core.credit_line AS line
JOIN core.entry AS entry ON entry.deal_id = line.deal_id AND entry.entry_no = line.entry_no
JOIN core.deal AS deal ON deal.deal_id = line.deal_id
LEFT JOIN core.journey_touch AS touch
    ON touch.deal_id = line.deal_id AND touch.ordinal = line.ordinal AND touch.journey = line.journey
