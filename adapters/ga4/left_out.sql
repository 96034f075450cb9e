-- Grain: one row per reason for which rows of the source become no event.
from left_out_views('page', 'visit')
union all
select 'events exported twice', coalesce(sum(rows - 1), 0)
from repeated_events
union all
from left_out_tracks('track', 'other events')
