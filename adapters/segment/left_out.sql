-- Grain: one row per reason for which rows of the source become no event.
from left_out_views('page', 'visit')
union all
select 'messages delivered twice', coalesce(sum(rows - 1), 0)
from (
  select rows from repeated_pages
  union all
  select rows from repeated_screens
  union all
  select rows from repeated_tracks
  union all
  select rows from repeated_identifies
  union all
  select rows from repeated_aliases
  union all
  select rows from repeated_groups
  union all
  select rows from repeated_messages
)
union all
from left_out_tracks('track', 'track events')
union all
select 'calls that link nobody', count(*)
from call
where id is null or id not in (select regexp_replace(id, '/[a-z]+$', '') from link)
union all
select 'messages of another type', count(*)
from messages
where coalesce(lower(type), '') not in ('page', 'screen', 'track', 'identify', 'alias', 'group')
