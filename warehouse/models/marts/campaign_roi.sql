-- grain: one row per period, campaign and model
WITH performance AS (
    SELECT * EXCLUDE (key_kind, key), key AS campaign_id FROM core.performance WHERE key_kind = 'campaign'
),

campaign AS (
    SELECT campaign_id, name, channel FROM core.campaign
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, model, campaign_id, coalesce(campaign.name, campaign_id) AS campaign_name,
        campaign.channel, cost, revenue, marts.roi(revenue, cost) AS roi, marts.roas(revenue, cost) AS roas,
        realized_revenue, marts.roi(realized_revenue, cost) AS realized_roi, marts.roi_reason(cost) AS roi_reason,
        won_deals, pipeline
    FROM performance
    LEFT JOIN campaign USING (campaign_id)
)

SELECT * FROM final
