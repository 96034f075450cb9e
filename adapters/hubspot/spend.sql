-- Grain: one row per marketing campaign with a cost: the sum of its spend items, over its days.
select
  campaign_id || '/spend@' || changed_ms as id,
  of_ms(changed_ms) as time,
  campaign_id,
  campaign_id as spend_id,
  starts_on,
  ends_on,
  money(spend, currency) as amount,
  currency,
  changed_ms as revision
from campaign_cost
where spend is not null and starts_on is not null and minor_digits(currency) is not null
order by id
