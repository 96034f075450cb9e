-- Grain: one row per campaign with an actual cost, those included whose cost cannot count: `left_out` says why.
select
  *,
  coalesce(ends_on, starts_on) as last_on,
  case
    when is_deleted then 'costs of deleted campaigns'
    when exists(from list_spend_of) and not exists(select 1 from list_spend_of where value = type) then 'costs of campaigns whose type is not in spend_of'
    when starts_on is null then 'costs of campaigns without a StartDate'
    when ends_on < starts_on then 'costs of campaigns that end before they begin'
    when coalesce(ends_on, starts_on) - starts_on >= 3660 then 'costs of campaigns of more than ten years'
    when starts_on < date '1970-01-01' or starts_on >= date '2200-01-01' then 'costs of campaigns outside 1970 to 2199'
    when digits is null then 'costs in ' || currency || ', which is no currency: add it to currencies'
  end as left_out
from campaigns
where cost is not null
