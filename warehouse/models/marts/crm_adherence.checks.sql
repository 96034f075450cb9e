-- check: records_of_segments_add_up
-- reason: Nobody's records are left out of the score, and nobody's count twice.
-- severity: critical
WITH part AS (
    SELECT period_kind, period, "check", segment_kind, sum(passed) AS passed, sum(applicable) AS applicable
    FROM marts.crm_adherence
    GROUP BY ALL
),

whole AS (
    SELECT * EXCLUDE (segment_kind) FROM part WHERE segment_kind = 'all'
)

SELECT period_kind, period, "check", segment_kind, part.passed, part.applicable
FROM part
LEFT JOIN whole USING (period_kind, period, "check")
WHERE (part.passed, part.applicable) IS DISTINCT FROM (whole.passed, whole.applicable)

-- check: records_of_checks_add_up
-- reason: The score of all checks is that of the records that were asked, each as often as it was.
-- severity: critical
WITH part AS (
    SELECT
        period_kind, period, segment_kind, segment,
        sum(passed) FILTER ("check" <> 'all') AS passed, sum(passed) FILTER ("check" = 'all') AS passed_of_all,
        sum(applicable) FILTER ("check" <> 'all') AS applicable, sum(applicable) FILTER ("check" = 'all') AS applicable_of_all
    FROM marts.crm_adherence
    GROUP BY ALL
)

SELECT * FROM part WHERE (passed, applicable) IS DISTINCT FROM (passed_of_all, applicable_of_all)

-- check: adherence_score_follows_from_its_counts
-- reason: The score is what is quoted; it must be that of the counts beside it.
-- severity: critical
SELECT period_kind, period, segment_kind, segment, "check", passed, applicable, score
FROM marts.crm_adherence
WHERE passed > applicable OR score IS NULL OR abs(score * applicable - 100 * passed) > 0.000001 * applicable

-- check: adherence_failures_are_listed
-- reason: A score that nobody can look into changes nothing.
-- severity: critical
WITH score AS (
    SELECT period_kind, period, "check", applicable - passed AS failures
    FROM marts.crm_adherence
    WHERE segment_kind = 'all' AND "check" <> 'all' AND applicable > passed
),

listed AS (
    SELECT period_kind, period, "check", count(*) AS failures FROM marts.crm_adherence_failure GROUP BY ALL
)

SELECT period_kind, period, "check", score.failures AS counted, listed.failures AS listed
FROM score
FULL JOIN listed USING (period_kind, period, "check")
WHERE score.failures IS DISTINCT FROM listed.failures
