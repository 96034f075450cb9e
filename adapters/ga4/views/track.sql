-- Grain: one row per event that is no page view.
select id, happened, visitor_id, person_id, name, url, user_agent
from event
where coalesce(name, '') <> 'page_view'
