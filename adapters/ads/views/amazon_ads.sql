-- Grain: one row per campaign and day of Amazon Ads, in the currency of the campaign's budget.
select
  'amazon_ads' as platform,
  'fivetran' as tool,
  null as account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  cost,
  1 as factor,
  campaign_budget_currency_code as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from amazon_ads_campaign_level_report
