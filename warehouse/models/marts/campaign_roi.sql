-- grain: one row per period, campaign and model
WITH returns AS (
    SELECT * EXCLUDE (key_kind, key), key AS campaign_id FROM core.returns WHERE key_kind = 'campaign'
),

campaign AS (
    SELECT campaign_id, name, channel FROM core.campaign
),

parent AS (
    SELECT campaign_id, parent_id FROM core.campaign_parent
),

final AS (
    SELECT returns.*, coalesce(campaign.name, campaign_id) AS campaign_name, parent.parent_id, campaign.channel
    FROM returns
    LEFT JOIN campaign USING (campaign_id)
    LEFT JOIN parent USING (campaign_id)
)

SELECT * FROM final
