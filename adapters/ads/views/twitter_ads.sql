-- Grain: one row per campaign, day and placement of Twitter; costs in millionths of the campaign's own currency.
select
  'twitter_ads' as platform,
  'fivetran' as tool,
  account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  billed_charge_local_micro as cost,
  0.000001 as factor,
  null as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from twitter_ads_campaign_report
