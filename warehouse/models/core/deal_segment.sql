-- grain: one row per deal and kind of segment, as the deal is now: the segments of a kind add up to all
WITH deal AS (
    SELECT deal_id, segment, region, deal_type, product, nullif(owner, '') AS owner FROM core.deal
),

final AS (
    SELECT deal_id, 'all' AS segment_kind, 'all' AS segment FROM deal
    UNION ALL
    SELECT deal_id, 'segment', coalesce(segment, '(none)') FROM deal
    UNION ALL
    SELECT deal_id, 'region', coalesce(region, '(none)') FROM deal
    UNION ALL
    SELECT deal_id, 'deal_type', coalesce(deal_type, '(none)') FROM deal
    UNION ALL
    SELECT deal_id, 'product', coalesce(product, '(none)') FROM deal
    UNION ALL
    SELECT deal_id, 'owner', coalesce(owner, '(none)') FROM deal
)

SELECT * FROM final
