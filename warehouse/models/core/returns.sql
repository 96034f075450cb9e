-- grain: one row per period, key, kind of key and model
WITH performance AS (
    SELECT * FROM core.performance
),

lead AS (
    SELECT period_kind, period, key_kind, key, mqls, sqls FROM core.lead_volume
),

maturity AS (
    SELECT period_kind, period, key_kind, key, matured_pct FROM core.maturity
),

final AS (
    SELECT
        performance.*, coalesce(mqls, 0) AS mqls, coalesce(sqls, 0) AS sqls, matured_pct,
        marts.roi(revenue, cost) AS roi, marts.roas(revenue, cost) AS roas, marts.roi(realized_revenue, cost) AS realized_roi,
        marts.roi_reason(cost) AS roi_reason,
        if(mqls > 0, cost / mqls, NULL) AS cost_per_mql,
        if(sqls > 0, cost / sqls, NULL) AS cost_per_sql,
        if(attributed_deals > 0, cost / attributed_deals, NULL) AS cost_per_won_deal
    FROM performance
    LEFT JOIN lead USING (period_kind, period, key_kind, key)
    LEFT JOIN maturity USING (period_kind, period, key_kind, key)
)

SELECT * FROM final
