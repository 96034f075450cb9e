-- Grain: one row per campaign and day: the exact sum of all rows of a platform's report, up to six decimals, in the account's currency.
--
-- The day is the platform's own: zones are not converted. Platforms restate for weeks: a day is as new as the newest of its rows, and
-- replaces what was told of it before. What the platform claims as conversions is not read: it would count twice.
with days as (
  select
    platform,
    campaign_id,
    day,
    currency,
    sum(amount) as amount,
    sum(impressions)::bigint as impressions,
    sum(clicks)::bigint as clicks,
    epoch_ms(max(stamp)) as newest
  from costs
  where campaign_id is not null and minor_digits(currency) is not null and is_first_currency
  group by platform, campaign_id, day, currency
),

stamped as (
  select *, platform || ':' || campaign_id as campaign, coalesce(newest, ms(getvariable('file_modified')::varchar)) as stamp
  from days
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
from stamped
order by id
