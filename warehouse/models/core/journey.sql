-- grain: one row per deal and touch in its default journey
SELECT
    touch.deal_id, deal.account_id, touch.touch_source, touch.touch_id, touch.touched_at, touch.touched_on, touch.position,
    touch.ordinal, touch.journey_length, touch.campaign_id, touch.channel, touch.kind, touch.team
FROM core.journey_touch AS touch
JOIN core.deal AS deal USING (deal_id)
WHERE touch.journey = 'default'
