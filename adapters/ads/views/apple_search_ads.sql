-- Grain: one row per campaign and day of Apple Search Ads; a click is a tap.
select
  'apple_search_ads' as platform,
  'fivetran' as tool,
  null as account_id,
  id as campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  local_spend_amount as cost,
  1 as factor,
  local_spend_currency,
  impressions,
  taps as clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from apple_search_ads_campaign_report
