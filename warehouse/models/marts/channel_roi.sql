-- grain: one row per period, channel and model
WITH performance AS (
    SELECT * EXCLUDE (key_kind, key), key AS channel FROM core.performance WHERE key_kind = 'channel'
),

final AS (
    SELECT
        period_kind, period, period_start, period_end, model, channel, cost, revenue,
        marts.roi(revenue, cost) AS roi, marts.roas(revenue, cost) AS roas,
        realized_revenue, marts.roi(realized_revenue, cost) AS realized_roi, marts.roi_reason(cost) AS roi_reason,
        won_deals, pipeline
    FROM performance
)

SELECT * FROM final
