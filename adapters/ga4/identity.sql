-- Grain: one row per visitor and user id that are in one event: the newest event of the two, since the books count the newest link of a pair.
with pairs as (
  select visitor_id, person_id, max(struct_pack(happened := happened, id := id)) as newest
  from event
  where visitor_id is not null and person_id is not null and happened is not null and id is not null and not is_bot(user_agent)
  group by visitor_id, person_id
)

select
  newest.id || '/person' as id,
  strftime(newest.happened at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as time,
  'link' as op,
  {'kind': 'visitor', 'id': visitor_id} as "left",
  {'kind': 'person', 'id': person_id} as "right"
from pairs
order by id
