-- Grain: one row per reason for which events of a relation, which messages call `what`, become no touch.
CREATE MACRO left_out_tracks(track, what) AS TABLE
SELECT what || ' without a kind' AS reason, count(*) AS rows
FROM query_table(track)
WHERE snake(name) IS NULL OR snake(name) NOT IN (SELECT snake(key) FROM map_track_kinds)
UNION ALL
SELECT what || ' of bots, of nobody, or without an id or a time', count(*)
FROM query_table(track)
WHERE
    snake(name) IN (SELECT snake(key) FROM map_track_kinds)
    AND (id IS NULL OR happened IS NULL OR coalesce(visitor_id, person_id) IS NULL OR is_bot(user_agent))
