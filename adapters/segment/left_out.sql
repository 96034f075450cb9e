-- Grain: one row per reason for which rows of the source become no event.
with judged as (
  select rule, count(*) as rows
  from judged_pages('page')
  group by rule
)

select
  case rule
    when 'inside' then 'internal or excluded referrer'
    when 'bot' then 'bots'
    when 'nobody' then 'pages of nobody: neither a visitor nor a person'
    when 'incomplete' then 'pages without an id or a time'
  end as reason,
  rows
from judged
where rule in ('inside', 'bot', 'nobody', 'incomplete')
union all
select 'pages of a single-page application that keep a referrer', count(*)
from spa_visits('visit')
where rule = 'referrer' and happened - before <= interval 30 minute
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
select 'track events without a kind', count(*)
from track
where snake(name) is null or snake(name) not in (select snake(key) from map_track_kinds)
union all
select 'track events of bots, of nobody, or without an id or a time', count(*)
from track
where
  snake(name) in (select snake(key) from map_track_kinds)
  and (id is null or happened is null or coalesce(visitor_id, person_id) is null or is_bot(user_agent))
union all
select 'calls that link nobody', count(*)
from call
where id is null or id not in (select regexp_replace(id, '/[a-z]+$', '') from link)
union all
select 'messages of another type', count(*)
from messages
where coalesce(lower(type), '') not in ('page', 'screen', 'track', 'identify', 'alias', 'group')
