-- Grain: one row per page view with evidence of its own, and per event that the settings have a kind for.
select * from touch_events('touched', 'track') order by id
