-- Grain: one row per row of the report that has a campaign and a day, with the currency that the settings say of its account.
with rows as (
  select
    lower(trim(platform)) as platform,
    account_id,
    campaign_id,
    nullif(trim(campaign_name), '') as campaign_name,
    day_of(date_day) as day,
    spend is null as is_empty,
    coalesce(spend, '0')::decimal(38, 15) as amount,
    impressions::decimal(38, 9) as impressions,
    clicks::decimal(38, 9) as clicks,
    ms(coalesce(synced_at, getvariable('file_modified')::varchar)) as stamp
  from ad_reporting__campaign_report
  where platform is not null and campaign_id is not null and date_day is not null
),

said as (
  select rows.*, trim(coalesce(of_account.value, of_platform.value)) as said
  from rows
  left join map_account_currencies as of_account on rows.account_id = of_account.key
  left join map_account_currencies as of_platform on rows.platform = lower(of_platform.key)
),

coded as (
  select said.*, upper(coalesce(map_currencies.value, said)) as currency
  from said
  left join map_currencies on said.said = map_currencies.key
)

select *, currency = min(currency) over (partition by platform, campaign_id, day, minor_digits(currency) is null) as is_first_currency
from coded
