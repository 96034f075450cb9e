-- check: segments_add_up_to_all
-- reason: The total that management sees is the sum of what the segments' owners see, however deals are told apart.
-- severity: critical
WITH part AS (
    SELECT
        period_kind, period, model, segment_kind,
        sum(COLUMNS('^(won_revenue|attributed|sourced_(lead_source|first_touch|before_sales)|influenced|coverage|.*_deals)$'))
    FROM marts.marketing_share
    GROUP BY ALL
),

whole AS (
    SELECT * EXCLUDE (segment_kind) FROM part WHERE segment_kind = 'all'
),

-- a snapshot may hide the owners
kind AS (
    SELECT unnest(['segment', 'region', 'deal_type', 'product']) AS segment_kind
    UNION
    SELECT segment_kind FROM part WHERE segment_kind = 'owner'
),

owed AS (
    SELECT kind.segment_kind, whole.* FROM whole CROSS JOIN kind
),

found AS (
    SELECT segment_kind, * EXCLUDE (segment_kind) FROM part WHERE segment_kind <> 'all'
),

final AS (
    (FROM owed EXCEPT FROM found)
    UNION ALL
    (FROM found EXCEPT FROM owed)
)

SELECT * FROM final

-- check: won_revenue_is_what_was_booked
-- reason: The share is a share of the revenue that finance knows.
-- severity: critical
WITH share AS (
    SELECT period_kind, period, model, won_revenue FROM marts.marketing_share WHERE segment_kind = 'all' AND period_kind <> 'ttm'
),

-- what was booked in each period, once for each model
booked AS (
    SELECT period_kind, period, model, sum(amount_reporting) AS booked
    FROM core.entry
    JOIN core.period ON period.day = entry.booked_on
    CROSS JOIN (SELECT unnest(models) AS model FROM core.setting)
    WHERE is_final
    GROUP BY ALL
)

SELECT period_kind, period, model, won_revenue, booked
FROM share
FULL JOIN booked USING (period_kind, period, model)
WHERE coalesce(won_revenue, 0) <> coalesce(booked, 0)

-- check: percentages_follow_from_their_amounts
-- reason: The percentage is what is quoted; it must be that of the amounts beside it, and absent where there is none.
-- severity: critical
WITH share AS (
    SELECT * FROM marts.marketing_share
),

measure AS (
    SELECT period_kind, period, segment_kind, segment, model, measure.*
    FROM share, (
        VALUES
            ('attributed', attributed::DOUBLE, won_revenue::DOUBLE, attributed BETWEEN 0 AND won_revenue, attributed_pct),
            ('sourced_lead_source', sourced_lead_source::DOUBLE, won_revenue::DOUBLE, sourced_lead_source BETWEEN 0 AND won_revenue, sourced_lead_source_pct),
            ('sourced_first_touch', sourced_first_touch::DOUBLE, won_revenue::DOUBLE, sourced_first_touch BETWEEN 0 AND won_revenue, sourced_first_touch_pct),
            ('sourced_before_sales', sourced_before_sales::DOUBLE, won_revenue::DOUBLE, sourced_before_sales BETWEEN 0 AND won_revenue, sourced_before_sales_pct),
            ('influenced', influenced::DOUBLE, won_revenue::DOUBLE, influenced BETWEEN 0 AND won_revenue, influenced_pct),
            ('coverage', coverage::DOUBLE, won_revenue::DOUBLE, coverage BETWEEN 0 AND won_revenue, coverage_pct),
            ('attributed_deals', attributed_deals::DOUBLE, won_deals::DOUBLE, attributed_deals BETWEEN 0 AND won_deals, attributed_deals_pct),
            ('sourced_lead_source_deals', sourced_lead_source_deals::DOUBLE, won_deals::DOUBLE, sourced_lead_source_deals BETWEEN 0 AND won_deals, sourced_lead_source_deals_pct),
            ('sourced_first_touch_deals', sourced_first_touch_deals::DOUBLE, won_deals::DOUBLE, sourced_first_touch_deals BETWEEN 0 AND won_deals, sourced_first_touch_deals_pct),
            ('sourced_before_sales_deals', sourced_before_sales_deals::DOUBLE, won_deals::DOUBLE, sourced_before_sales_deals BETWEEN 0 AND won_deals, sourced_before_sales_deals_pct),
            ('influenced_deals', influenced_deals::DOUBLE, won_deals::DOUBLE, influenced_deals BETWEEN 0 AND won_deals, influenced_deals_pct),
            ('coverage_deals', coverage_deals::DOUBLE, won_deals::DOUBLE, coverage_deals BETWEEN 0 AND won_deals, coverage_deals_pct)
    ) AS measure (measure, part, whole, is_inside, pct)
)

SELECT *
FROM measure
WHERE (pct IS NOT NULL) <> (whole > 0 AND is_inside) OR abs(pct * whole - 100 * part) > 0.000001 * (1 + whole)

-- check: deals_are_nested
-- reason: A deal that marketing sourced was influenced by it, and one that was influenced has a touch.
-- severity: critical
SELECT period_kind, period, segment_kind, segment, model
FROM marts.marketing_share
WHERE sourced_first_touch_deals > influenced_deals
    OR sourced_before_sales_deals > influenced_deals
    OR influenced_deals > coverage_deals
    OR coverage_deals > won_deals

-- check: target_is_reached
-- reason: Below the target: not an error of the figures, but somebody should know.
-- severity: warning
SELECT period, model, attributed_pct, target_pct
FROM marts.marketing_share
WHERE segment_kind = 'all' AND period_kind = 'year' AND model = (SELECT default_model FROM core.setting) AND gap_to_target < 0
