-- Grain: one row per campaign and day: the sum of the report's rows, up to six decimals, in the account's currency.
--
-- LinkedIn's campaign is its campaign group here too. A sum of floats, as warehouses add them up, is read to six decimals. The report says
-- of no row when it changed: a day is as new as the file.
with days as (
  select
    platform || ':' || campaign_id as campaign,
    day,
    currency,
    sum(amount) as amount,
    sum(impressions)::bigint as impressions,
    sum(clicks)::bigint as clicks,
    max(stamp) as stamp
  from costs
  where minor_digits(currency) is not null and is_first_currency
  group by all
)

select
  campaign || '/' || day || coalesce('@' || stamp, '') as id,
  coalesce(of_ms(stamp), day_start(day::varchar)) as time,
  campaign as campaign_id,
  day as starts_on,
  without_zeros(decimals(amount::decimal(38, 9), 6)) as amount,
  currency,
  impressions,
  clicks,
  stamp as revision
from days
order by id
