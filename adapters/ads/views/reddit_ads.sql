-- Grain: one row per campaign and day of Reddit; its spend is in millionths, though it does not say so.
select
  'reddit_ads' as platform,
  'fivetran' as tool,
  account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  spend as cost,
  0.000001 as factor,
  null as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from reddit_ads_campaign_report
