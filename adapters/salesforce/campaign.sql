-- Grain: one row per campaign that was not deleted.
select
  campaign_id || '@' || stamp_ms as id,
  of_ms(stamp_ms) as time,
  campaign_id,
  name,
  channel,
  lower(replace(type, ' ', '_')) as campaign_type,
  parent_id,
  starts_on::varchar as starts_on,
  case when ends_on >= coalesce(starts_on, ends_on) then ends_on::varchar end as ends_on,
  case when budget >= 0 then decimals(budget, digits) end as budget,
  case when budget >= 0 and digits is not null then currency end as currency,
  owner_id as owner
from campaigns
where not is_deleted
order by id
