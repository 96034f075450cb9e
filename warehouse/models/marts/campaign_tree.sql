-- grain: one row per period, campaign with children and model
WITH returns AS (
    SELECT * EXCLUDE (key_kind, key), key AS campaign_id FROM core.returns WHERE key_kind = 'campaign_tree'
),

campaign AS (
    SELECT campaign_id, name, channel FROM core.campaign
),

parent AS (
    SELECT campaign_id, parent_id FROM core.campaign_parent
),

tree AS (
    SELECT ancestor_id AS campaign_id, count(*) AS campaigns FROM core.campaign_ancestor GROUP BY ALL
),

final AS (
    SELECT returns.*, coalesce(campaign.name, campaign_id) AS campaign_name, parent.parent_id, campaign.channel, tree.campaigns
    FROM returns
    JOIN tree USING (campaign_id)
    LEFT JOIN campaign USING (campaign_id)
    LEFT JOIN parent USING (campaign_id)
)

SELECT * FROM final
