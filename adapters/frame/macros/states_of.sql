-- The states of things of which a source tells only the changes: one row per thing and millisecond in which something changed.
--
-- `changes` names a relation of (id, name, changed_ms, value): property `name` of thing `id` became `value`, null where it was cleared;
-- `names` lists the properties that count, eight at most. Yields (id, changed_ms, state, is_whole): `state` is a map of what each of them
-- was then; one that had no value yet, or none any more, is null. A source that keeps so many `versions` of a property may have cut older
-- ones: states before the first of them are not whole. What changes in one millisecond changes together; of two values the greater text counts.
CREATE MACRO states_of(changes, names, versions) AS TABLE
WITH changed AS (
    SELECT
        id,
        changed_ms,
        max(coalesce(value, '')) FILTER (WHERE name = names[1]) AS v1,
        max(coalesce(value, '')) FILTER (WHERE name = names[2]) AS v2,
        max(coalesce(value, '')) FILTER (WHERE name = names[3]) AS v3,
        max(coalesce(value, '')) FILTER (WHERE name = names[4]) AS v4,
        max(coalesce(value, '')) FILTER (WHERE name = names[5]) AS v5,
        max(coalesce(value, '')) FILTER (WHERE name = names[6]) AS v6,
        max(coalesce(value, '')) FILTER (WHERE name = names[7]) AS v7,
        max(coalesce(value, '')) FILTER (WHERE name = names[8]) AS v8
    FROM query_table(changes)
    WHERE list_contains(names, name)
    GROUP BY ALL
),

cuts AS (
    SELECT
        id,
        greatest(
            CASE WHEN count(v1) >= versions THEN min(changed_ms) FILTER (WHERE v1 IS NOT NULL) END,
            CASE WHEN count(v2) >= versions THEN min(changed_ms) FILTER (WHERE v2 IS NOT NULL) END,
            CASE WHEN count(v3) >= versions THEN min(changed_ms) FILTER (WHERE v3 IS NOT NULL) END,
            CASE WHEN count(v4) >= versions THEN min(changed_ms) FILTER (WHERE v4 IS NOT NULL) END,
            CASE WHEN count(v5) >= versions THEN min(changed_ms) FILTER (WHERE v5 IS NOT NULL) END,
            CASE WHEN count(v6) >= versions THEN min(changed_ms) FILTER (WHERE v6 IS NOT NULL) END,
            CASE WHEN count(v7) >= versions THEN min(changed_ms) FILTER (WHERE v7 IS NOT NULL) END,
            CASE WHEN count(v8) >= versions THEN min(changed_ms) FILTER (WHERE v8 IS NOT NULL) END
        ) AS cut_ms
    FROM changed
    GROUP BY id
),

filled AS (
    SELECT
        id,
        changed_ms,
        last_value(v1 IGNORE NULLS) OVER times AS v1,
        last_value(v2 IGNORE NULLS) OVER times AS v2,
        last_value(v3 IGNORE NULLS) OVER times AS v3,
        last_value(v4 IGNORE NULLS) OVER times AS v4,
        last_value(v5 IGNORE NULLS) OVER times AS v5,
        last_value(v6 IGNORE NULLS) OVER times AS v6,
        last_value(v7 IGNORE NULLS) OVER times AS v7,
        last_value(v8 IGNORE NULLS) OVER times AS v8
    FROM changed
    WINDOW times AS (PARTITION BY id ORDER BY changed_ms ROWS UNBOUNDED PRECEDING)
)

SELECT
    id,
    changed_ms,
    map(names, [nullif(v1, ''), nullif(v2, ''), nullif(v3, ''), nullif(v4, ''), nullif(v5, ''), nullif(v6, ''), nullif(v7, ''), nullif(v8, '')][:len(names)]) AS state,
    cut_ms IS NULL OR changed_ms >= cut_ms AS is_whole
FROM filled
INNER JOIN cuts USING (id)
