-- check: deals_add_up_to_marketing_share
-- reason: Whoever opens a percentage finds the very deals that it is made of, to the last minor unit.
-- severity: critical
WITH deal AS (
    SELECT * FROM marts.deal_share
),

share AS (
    SELECT * FROM marts.marketing_share WHERE period_kind <> 'ttm' AND segment_kind <> 'owner'
),

told_apart AS (
    SELECT 'all' AS segment_kind, 'all' AS segment, * EXCLUDE (segment) FROM deal
    UNION ALL BY NAME
    SELECT 'segment' AS segment_kind, * FROM deal
    UNION ALL BY NAME
    SELECT 'region' AS segment_kind, region AS segment, * EXCLUDE (segment) FROM deal
    UNION ALL BY NAME
    SELECT 'deal_type' AS segment_kind, deal_type AS segment, * EXCLUDE (segment) FROM deal
    UNION ALL BY NAME
    SELECT 'product' AS segment_kind, product AS segment, * EXCLUDE (segment) FROM deal
),

summed AS (
    SELECT
        period_kind, period, segment_kind, segment, model,
        sum(won_revenue) AS won_revenue, sum(won_deals) AS won_deals, sum(attributed) AS attributed, sum(attributed_deals) AS attributed_deals,
        sum(if(is_sourced_lead_source, won_revenue, 0)) AS sourced_lead_source, sum(if(is_sourced_lead_source, won_deals, 0)) AS sourced_lead_source_deals,
        sum(if(is_sourced_first_touch, won_revenue, 0)) AS sourced_first_touch, sum(if(is_sourced_first_touch, won_deals, 0)) AS sourced_first_touch_deals,
        sum(if(is_sourced_before_sales, won_revenue, 0)) AS sourced_before_sales, sum(if(is_sourced_before_sales, won_deals, 0)) AS sourced_before_sales_deals,
        sum(if(is_influenced, won_revenue, 0)) AS influenced, sum(if(is_influenced, won_deals, 0)) AS influenced_deals,
        sum(if(is_coverage, won_revenue, 0)) AS coverage, sum(if(is_coverage, won_deals, 0)) AS coverage_deals
    FROM told_apart
    GROUP BY ALL
),

final AS (
    SELECT period_kind, period, segment_kind, segment, model, summed.won_revenue, share.won_revenue AS stated, summed.attributed, share.attributed AS stated_attributed
    FROM summed
    FULL JOIN share USING (period_kind, period, segment_kind, segment, model)
    WHERE summed.won_revenue IS DISTINCT FROM share.won_revenue
        OR summed.won_deals IS DISTINCT FROM share.won_deals
        OR summed.attributed IS DISTINCT FROM share.attributed
        OR summed.attributed_deals IS DISTINCT FROM share.attributed_deals
        OR summed.sourced_lead_source IS DISTINCT FROM share.sourced_lead_source
        OR summed.sourced_lead_source_deals IS DISTINCT FROM share.sourced_lead_source_deals
        OR summed.sourced_first_touch IS DISTINCT FROM share.sourced_first_touch
        OR summed.sourced_first_touch_deals IS DISTINCT FROM share.sourced_first_touch_deals
        OR summed.sourced_before_sales IS DISTINCT FROM share.sourced_before_sales
        OR summed.sourced_before_sales_deals IS DISTINCT FROM share.sourced_before_sales_deals
        OR summed.influenced IS DISTINCT FROM share.influenced
        OR summed.influenced_deals IS DISTINCT FROM share.influenced_deals
        OR summed.coverage IS DISTINCT FROM share.coverage
        OR summed.coverage_deals IS DISTINCT FROM share.coverage_deals
)

SELECT * FROM final
