-- Grain: one row per event that is no page.
select id, moment(timestamp) as happened, anonymous_id as visitor_id, user_id as person_id, event as name, context_page_url as url, context_user_agent as user_agent
from tracks
union all
select message_id, moment(timestamp), anonymous_id, user_id, event, context ->> '$.page.url', context ->> '$.userAgent'
from messages
where lower(type) = 'track'
