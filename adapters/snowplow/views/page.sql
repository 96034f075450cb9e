-- Grain: one row per page view, as judged_pages() reads it.
select * exclude (type, name, is_collected)
from event
where type = 'page_view'
