-- Grain: one row per call that says who somebody is: identify, alias, group.
select id, 'identify' as call, moment(timestamp) as happened, anonymous_id, user_id, email, null as other_id from identifies
union all
select id, 'alias', moment(timestamp), anonymous_id, user_id, null, previous_id from aliases
union all
select id, 'group', moment(timestamp), anonymous_id, user_id, null, group_id from groups
union all
select
  message_id,
  lower(type),
  moment(timestamp),
  anonymous_id,
  user_id,
  coalesce(traits ->> '$.email', context ->> '$.traits.email'),
  case lower(type) when 'alias' then previous_id when 'group' then group_id end
from messages
where lower(type) in ('identify', 'alias', 'group')
