-- grain: one row per deal and touch in its default journey
WITH touch AS (
    SELECT
        deal_id, ordinal, journey_length, touch_source, touch_id, touched_at, touched_on, position, campaign_id, channel, kind, team
    FROM core.journey_touch
    WHERE journey = 'default'
),

deal AS (
    SELECT deal_id, account_id FROM core.deal
),

final AS (
    SELECT
        deal_id, deal.account_id, touch.touch_source, touch.touch_id, touch.touched_at, touch.touched_on, nullif(touch.position, '') AS position,
        touch.ordinal, touch.journey_length, touch.campaign_id, touch.channel, touch.kind, touch.team
    FROM touch
    JOIN deal USING (deal_id)
)

SELECT * FROM final
