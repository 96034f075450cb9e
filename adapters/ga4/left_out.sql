-- Grain: one row per reason for which rows of the source become no event.
with judged as (
  select
    count(*) filter (where rule = 'inside') as inside,
    count(*) filter (where rule = 'bot') as bots,
    count(*) filter (where rule = 'nobody') as nobody,
    count(*) filter (where rule = 'incomplete') as incomplete
  from judged_pages('page')
)

select
  unnest(
    ['internal or excluded referrer', 'bots', 'pages of nobody: neither a visitor nor a person', 'pages without an id or a time']
  ) as reason,
  unnest([inside, bots, nobody, incomplete]) as rows
from judged
union all
select 'pages of a single-page application that keep a referrer', count(*)
from spa_visits('visit')
where rule = 'referrer' and happened - before <= interval 30 minute
union all
select 'events exported twice', coalesce(sum(rows - 1), 0)
from repeated_events
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
