-- Grain: one row per page view, as judged_pages() reads it.
select * exclude (name)
from event
where name = 'page_view'
