-- Grain: one row per attendance and what its row knows of the person beside the address: an id of the source, an account.
with links as (
  select id || '/person' as id, happened_at, email_id as left_id, 'person' as right_kind, person_id as right_id
  from attendances
  where problem is null and email_id is not null and person_id is not null and person_id <> email_id
  union all
  select id || '/account', happened_at, coalesce(email_id, person_id), 'account', account_id
  from attendances
  where problem is null and account_id is not null
)

select
  id,
  happened_at as time,
  'link' as op,
  {'kind': 'person', 'id': left_id} as "left",
  {'kind': right_kind, 'id': right_id} as "right"
from links
order by id
