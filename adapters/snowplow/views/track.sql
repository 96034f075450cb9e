-- Grain: one row per event that is neither a page view nor a ping, which only says that a page is still open.
select id, happened, visitor_id, person_id, name, url, user_agent
from event
where coalesce(type, '') not in ('page_view', 'page_ping')
