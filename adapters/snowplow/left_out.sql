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
select 'events delivered twice', coalesce(sum(rows - 1), 0)
from repeated_events
union all
select 'page pings', count(*)
from event
where type = 'page_ping'
union all
select 'other events without a kind', count(*)
from track
where snake(name) is null or snake(name) not in (select snake(key) from map_track_kinds)
union all
select 'other events of bots, of nobody, or without an id or a time', count(*)
from track
where
  snake(name) in (select snake(key) from map_track_kinds)
  and (id is null or happened is null or coalesce(visitor_id, person_id) is null or is_bot(user_agent))
