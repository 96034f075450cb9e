-- Grain: one row per campaign with an actual cost: over its days, under its own id, so that corrected days take the place of the old ones.
select
  campaign_id || '/cost@' || stamp_ms as id,
  of_ms(stamp_ms) as time,
  campaign_id,
  campaign_id as spend_id,
  starts_on::varchar as starts_on,
  last_on::varchar as ends_on,
  decimals(cost, digits) as amount,
  currency,
  stamp_ms as revision
from costs
where left_out is null
order by id
