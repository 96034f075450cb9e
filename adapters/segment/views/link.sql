-- Grain: one row per two that a call links, by the id of the event.
with addresses as (
  select * replace (case when contains(email, '@') and lower(trim(email)) not in (select lower(trim(value)) from list_shared_mailboxes) then email end as email)
  from call
),

links as (
  select id || '/person' as id, happened, 'visitor' as left_kind, anonymous_id as left_id, 'person' as right_kind, user_id as right_id
  from addresses
  where call = 'identify'
  union all
  select id || '/email', happened, case when user_id is null then 'visitor' else 'person' end, coalesce(user_id, anonymous_id), 'person', email_id(email)
  from addresses
  where call = 'identify' and getvariable('link_by_email')
  union all
  select id || '/alias', happened, case when other_id = anonymous_id then 'visitor' else 'person' end, other_id, 'person', user_id
  from addresses
  where call = 'alias'
  union all
  select id || '/group', happened, case when user_id is null then 'visitor' else 'person' end, coalesce(user_id, anonymous_id), 'account', other_id
  from addresses
  where call = 'group'
)

select *
from links
where id is not null and happened is not null and left_id is not null and right_id is not null and (left_kind <> right_kind or left_id <> right_id)
