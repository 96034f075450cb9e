-- Grain: one row per page view with evidence of its own, and per event that the settings have a kind for. `touched` is a relation of
-- touches(), `track` one of other events.
CREATE MACRO touch_events(touched, track) AS TABLE
SELECT
    id, in_utc(happened) AS time, visitor_id, person_id, channel, 'visit' AS kind, 'marketing' AS team, campaign_id, url, referrer, utm
FROM query_table(touched)
UNION ALL
SELECT id, in_utc(happened), visitor_id, person_id, channel, kind, team, campaign_id, url, NULL, NULL FROM tracked_touches(track, touched)
