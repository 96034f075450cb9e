-- The states of things of which a source tells only the changes: one row per thing and millisecond in which something changed.
--
-- `changes` names a relation of (id, name, changed_ms, value): property `name` of thing `id` became `value`, null where it was cleared.
-- Yields (id, changed_ms, state, is_whole): `state` is a map of what each property was then; one that had no value yet, or none any more,
-- is null. A source that keeps so many `versions` of a property may have cut older ones: states before the first of them are not whole.
-- What changes in one millisecond changes together; of two values in one millisecond the greater text counts.
CREATE MACRO states_of(changes, versions) AS TABLE
WITH changed AS (
    SELECT id, name, changed_ms, coalesce(max(value), '') AS value
    FROM query_table(changes)
    GROUP BY ALL
),

histories AS (
    SELECT id, name, min(changed_ms) AS first_ms, count(*) >= versions AS is_cut
    FROM changed
    GROUP BY ALL
),

wholes AS (
    SELECT id, coalesce(max(first_ms) FILTER (WHERE is_cut), min(first_ms)) AS whole_since_ms
    FROM histories
    GROUP BY ALL
),

moments AS (
    SELECT DISTINCT id, changed_ms
    FROM changed
),

filled AS (
    SELECT
        moments.id,
        moments.changed_ms,
        histories.name,
        last_value(changed.value IGNORE NULLS) OVER (
            PARTITION BY moments.id, histories.name
            ORDER BY moments.changed_ms ROWS UNBOUNDED PRECEDING
        ) AS value
    FROM moments
    INNER JOIN histories USING (id)
    LEFT JOIN changed ON changed.id = moments.id AND changed.changed_ms = moments.changed_ms AND changed.name = histories.name
)

SELECT id, changed_ms, map_from_entries(list((name, nullif(value, '')))) AS state, changed_ms >= any_value(whole_since_ms) AS is_whole
FROM filled
INNER JOIN wholes USING (id)
GROUP BY id, changed_ms
