-- Grain: one row per visitor and user id that are in one event: the newest event of the two, since the books count the newest link of a pair.
CREATE MACRO seen_together(events) AS TABLE
WITH pairs AS (
    SELECT visitor_id, person_id, max(struct_pack(happened := happened, id := id)) AS newest
    FROM query_table(events)
    WHERE visitor_id IS NOT NULL AND person_id IS NOT NULL AND happened IS NOT NULL AND id IS NOT NULL AND NOT is_bot(user_agent)
    GROUP BY visitor_id, person_id
)

SELECT
    newest.id || '/person' AS id, in_utc(newest.happened) AS time, 'link' AS op,
    {'kind': 'visitor', 'id': visitor_id} AS "left", {'kind': 'person', 'id': person_id} AS "right"
FROM pairs
