-- check: run_has_all_its_entries
-- reason: A row that is lost or added after a lock changes a closed period behind everybody's back.
-- severity: critical
WITH written AS (
    SELECT run_id, count(*) AS found FROM locked.entry GROUP BY run_id
),

final AS (
    SELECT run.run_id, run.entries, coalesce(written.found, 0) AS found
    FROM locked.run AS run
    LEFT JOIN written ON written.run_id = run.run_id
    WHERE run.entries <> coalesce(written.found, 0)
)

SELECT * FROM final ORDER BY run_id
