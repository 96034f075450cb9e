-- Grain: one row per event of a relation of events (id, happened, visitor_id, person_id, name, url) that the setting `track_kinds` has a kind for,
-- with channel and campaign of the visitor's last touch of a relation of touches, 30 minutes before it or less; else the channel is `website`.
CREATE MACRO tracked_touches(events, seen) AS TABLE
WITH kinds AS (
    SELECT snake(key) AS name, min(value) AS kind FROM map_track_kinds GROUP BY ALL
),

teams AS (
    SELECT lower(trim(key)) AS kind, min(value) AS team FROM map_teams GROUP BY ALL
),

tracked AS MATERIALIZED (
    SELECT events.*, kinds.kind
    FROM query_table(events) AS events
    INNER JOIN kinds ON kinds.name = snake(events.name)
    WHERE id IS NOT NULL AND happened IS NOT NULL AND coalesce(visitor_id, person_id) IS NOT NULL AND NOT is_bot(user_agent)
),

inherited AS (
    SELECT
        tracked.id,
        max(struct_pack(happened := seen.happened, id := seen.id, channel := seen.channel, campaign_id := seen.campaign_id)) AS "last"
    FROM tracked
    INNER JOIN query_table(seen) AS seen
        ON seen.visitor_id = tracked.visitor_id
        AND seen.happened <= tracked.happened
        AND tracked.happened - seen.happened <= INTERVAL 30 MINUTE
    GROUP BY tracked.id
)

SELECT
    tracked.id,
    happened,
    visitor_id,
    person_id,
    coalesce("last".channel, 'website') AS channel,
    tracked.kind,
    coalesce(teams.team, 'marketing') AS team,
    "last".campaign_id AS campaign_id,
    without_query(url) AS url
FROM tracked
LEFT JOIN inherited ON inherited.id = tracked.id
LEFT JOIN teams ON teams.kind = lower(trim(tracked.kind))
