-- grain: one row per campaign and campaign with children that it is, or is a part of
WITH RECURSIVE parent AS (
    SELECT campaign_id, parent_id FROM core.campaign_parent WHERE parent_id IS NOT NULL
),

-- circles are cut before: it ends
above AS (
    SELECT campaign_id, parent_id AS ancestor_id FROM parent
    UNION ALL
    SELECT above.campaign_id, parent.parent_id
    FROM above
    JOIN parent ON parent.campaign_id = above.ancestor_id
),

final AS (
    SELECT campaign_id, ancestor_id FROM above
    UNION ALL
    SELECT DISTINCT parent_id, parent_id FROM parent
)

SELECT * FROM final
