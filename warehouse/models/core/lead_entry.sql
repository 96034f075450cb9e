-- grain: one row per pass of a lead and stage from its lowest to its highest: times never run backwards, and a skipped stage is inferred
WITH event AS (
    SELECT lead_id, pass_no, stage_rank, occurred_at FROM core.lead_event
),

begun AS (
    SELECT lead_id, pass_no, min(occurred_at) AS begun_at FROM event GROUP BY ALL
),

deal AS (
    SELECT lead_id, pass_no, opened, won_at FROM core.lead_deal WHERE is_of_pass
),

reached AS (
    SELECT lead_id, pass_no, stage_rank, occurred_at AS reached_at FROM event WHERE stage_rank IS NOT NULL
    UNION ALL
    SELECT lead_id, pass_no, 5, greatest(opened, begun_at) FROM deal JOIN begun USING (lead_id, pass_no)
    UNION ALL
    SELECT lead_id, pass_no, 6, greatest(won_at, begun_at) FROM deal JOIN begun USING (lead_id, pass_no) WHERE won_at IS NOT NULL
),

first_reached AS (
    SELECT lead_id, pass_no, stage_rank, min(reached_at) AS first_at FROM reached GROUP BY ALL
),

span AS (
    SELECT lead_id, pass_no, unnest(range(min(stage_rank), max(stage_rank) + 1)) AS stage_rank FROM first_reached GROUP BY ALL
),

entered AS (
    SELECT
        lead_id, pass_no, stage_rank, marts.lead_stages()[stage_rank] AS stage, first_at,
        min(first_at) OVER (
            PARTITION BY lead_id, pass_no ORDER BY stage_rank ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS entered_at
    FROM span
    LEFT JOIN first_reached USING (lead_id, pass_no, stage_rank)
),

final AS (
    SELECT lead_id, pass_no, stage, stage_rank, entered_at, first_at IS DISTINCT FROM entered_at AS is_inferred FROM entered
)

SELECT * FROM final
