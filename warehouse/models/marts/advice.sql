-- grain: one row per piece of advice, the one that is worth most first
WITH agreement AS (
    SELECT advice_count FROM core.agreement
),

-- the latest quarter that is over now
quarter AS (
    SELECT period, period_start, period_end
    FROM core.calendar
    CROSS JOIN core.setting
    WHERE period_kind = 'quarter' AND ends_at <= as_of
    ORDER BY period_end DESC
    LIMIT 1
),

trailing_year AS (
    SELECT DISTINCT calendar.month
    FROM core.calendar
    JOIN quarter ON calendar.month > quarter.period_end - to_months(12) AND calendar.month <= quarter.period_end
),

revenue AS (
    SELECT sum(amount_reporting) AS won_revenue
    FROM core.entry
    JOIN trailing_year ON trailing_year.month = marts.month_of(booked_on)
    WHERE is_final
),

-- what a pass that entered a stage in the trailing year is worth
pass AS (
    SELECT stage, any_value(won_revenue)::DOUBLE / count(*) AS worth
    FROM core.lead_stage
    JOIN trailing_year ON trailing_year.month = marts.month_of(entered_on)
    CROSS JOIN revenue
    GROUP BY stage
),

metric AS (
    SELECT metric, entity_kind, entity, period_kind, period, base, split_part(metric, '_', 3) AS to_stage FROM core.metric
),

benchmark AS (
    SELECT metric, entity_kind, entity, benchmark.period_kind, benchmark.period, quarter.period_start, quarter.period_end, value, best_quartile, is_higher_better
    FROM marts.benchmark
    JOIN quarter ON benchmark.period_kind = 'quarter' AND benchmark.period = quarter.period
    WHERE is_enough
        AND (metric IN ('roi', 'cost_per_mql', 'win_rate', 'exception_share_of_revenue') OR starts_with(metric, 'rate_'))
),

valued AS (
    SELECT
        benchmark.*,
        if(is_higher_better, best_quartile - value, value - best_quartile) * base * if(starts_with(metric, 'rate_'), pass.worth, 1) AS money
    FROM benchmark
    JOIN metric USING (metric, entity_kind, entity, period_kind, period)
    LEFT JOIN pass ON pass.stage = metric.to_stage
),

-- a difference in the last digits of a quotient is worth nothing
ranked AS (
    SELECT row_number() OVER (ORDER BY round(money, 6) DESC, metric, entity_kind, entity) AS rank, *
    FROM valued
    WHERE round(money, 6) > 0
),

final AS (
    SELECT
        rank, metric, entity_kind, entity, period_kind, period, period_start, period_end, value, best_quartile, money,
        if(starts_with(metric, 'rate_'), 'advice.conversion', 'advice.' || metric) AS sentence_key,
        CASE
            WHEN metric = 'roi'
                THEN format(
                    'SELECT * FROM marts.{}_roi WHERE period_kind = ''quarter'' AND period = {} AND model = (SELECT default_model FROM core.setting) AND {} = {}',
                    entity_kind, marts.quoted(period), if(entity_kind = 'campaign', 'campaign_id', 'channel'), marts.quoted(entity)
                )
            WHEN metric = 'cost_per_mql'
                THEN format(
                    'SELECT * FROM core.lead_stage WHERE stage = ''mql'' AND entered_on BETWEEN ''{}'' AND ''{}'' AND {} = {}',
                    period_start, period_end, if(entity_kind = 'campaign', 'campaign_id', 'channel'), marts.quoted(entity)
                )
            WHEN metric = 'win_rate'
                THEN format(
                    'SELECT * FROM core.deal WHERE status <> ''open'' AND closed_on BETWEEN ''{}'' AND ''{}'' AND coalesce({}, ''(none)'') = {}',
                    period_start, period_end, entity_kind, marts.quoted(entity)
                )
            WHEN metric = 'exception_share_of_revenue'
                THEN format(
                    'SELECT * FROM marts.sales_exception WHERE occurred_on BETWEEN ''{}'' AND ''{}'' AND coalesce(owner, ''(none)'') = {}',
                    period_start, period_end, marts.quoted(entity)
                )
            ELSE format(
                'SELECT * FROM core.lead_stage WHERE stage = ''{}'' AND entered_on BETWEEN ''{}'' AND ''{}'' AND coalesce({}, ''(none)'') = {}',
                split_part(metric, '_', 2), period_start, period_end, entity_kind, marts.quoted(entity)
            )
        END AS evidence
    FROM ranked
    CROSS JOIN agreement
    WHERE rank <= advice_count
)

SELECT * FROM final
