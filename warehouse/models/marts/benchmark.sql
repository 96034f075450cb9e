-- grain: one row per metric, entity, and quarter or year in which it has a value
WITH agreement AS (
    SELECT min_sample FROM core.agreement
),

metric AS (
    SELECT * FROM core.metric
),

-- of at least four entities that are large enough to tell
best AS (
    SELECT
        metric, entity_kind, period_kind, period,
        if(any_value(is_higher_better), quantile_cont(value, 0.75), quantile_cont(value, 0.25)) AS best_quartile
    FROM metric
    CROSS JOIN agreement
    WHERE sample >= min_sample AND entity NOT IN ('(none)', '(unattributed)')
    GROUP BY ALL
    HAVING count(*) >= 4
),

quarter AS (
    SELECT metric, entity_kind, entity, period_start AS quarter_start, value AS quarter_value FROM metric WHERE period_kind = 'quarter'
),

-- added up from the first quarter to the last: a sum in another order has another last digit
own AS (
    SELECT
        metric, entity_kind, entity, period_kind, period,
        list_sum(list(quarter_value ORDER BY quarter_start)) / count(*) AS own_year
    FROM metric
    JOIN quarter USING (metric, entity_kind, entity)
    WHERE quarter_start >= period_start - to_months(12) AND quarter_start < period_start
    GROUP BY ALL
    HAVING count(*) >= 2
),

final AS (
    SELECT
        metric, entity_kind, entity, period_kind, period, period_start, period_end, value, sample, own_year, best_quartile,
        value - own_year AS gap_to_own, value - best_quartile AS gap_to_best, is_higher_better, sample >= min_sample AS is_enough
    FROM metric
    CROSS JOIN agreement
    LEFT JOIN best USING (metric, entity_kind, period_kind, period)
    LEFT JOIN own USING (metric, entity_kind, entity, period_kind, period)
)

SELECT * FROM final
