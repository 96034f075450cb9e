-- Grain: one row per campaign and hour of Snapchat; its spend is in millionths, though it does not say so; a click is a swipe.
select
  'snapchat_ads' as platform,
  'fivetran' as tool,
  null as account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  spend as cost,
  0.000001 as factor,
  null as currency,
  impressions,
  swipes as clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from snapchat_ads_campaign_hourly_report
