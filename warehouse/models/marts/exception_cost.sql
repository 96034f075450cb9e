-- grain: one row per period, segment and rule, and for all rules together
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar WHERE period_kind <> 'ttm'
),

exception AS (
    SELECT rule, deal_id, marts.month_of(occurred_on) AS month, money_at_risk FROM marts.sales_exception
),

segment AS (
    SELECT deal_id, segment_kind, segment FROM core.deal_segment WHERE segment_kind IN ('all', 'segment', 'owner')
),

entry AS (
    SELECT deal_id, marts.month_of(booked_on) AS month, amount_reporting
    FROM core.entry
    WHERE is_final AND amount_reporting IS NOT NULL
),

by_deal AS (
    SELECT
        period_kind, period, period_start, period_end, deal_id, rule, count(*) AS exceptions,
        sum(money_at_risk) AS money_at_risk, max(money_at_risk) AS largest
    FROM exception
    JOIN calendar USING (month)
    GROUP BY ALL
),

-- under several rules a deal risks its money once
counted AS (
    SELECT * EXCLUDE (largest) FROM by_deal
    UNION ALL
    SELECT period_kind, period, period_start, period_end, deal_id, 'all', sum(exceptions), max(largest) FROM by_deal GROUP BY ALL
),

added AS (
    SELECT
        period_kind, period, period_start, period_end, segment_kind, segment, rule, sum(exceptions) AS exceptions, count(*) AS deals,
        coalesce(sum(money_at_risk), 0) AS money_at_risk
    FROM counted
    JOIN segment USING (deal_id)
    GROUP BY ALL
),

revenue AS (
    SELECT period_kind, period, segment_kind, segment, sum(amount_reporting) AS won_revenue
    FROM entry
    JOIN segment USING (deal_id)
    JOIN calendar USING (month)
    GROUP BY ALL
),

final AS (
    SELECT
        added.*, coalesce(won_revenue, 0) AS won_revenue,
        if(won_revenue > 0, money_at_risk / won_revenue, NULL) AS share_of_revenue
    FROM added
    LEFT JOIN revenue USING (period_kind, period, segment_kind, segment)
)

SELECT * FROM final
