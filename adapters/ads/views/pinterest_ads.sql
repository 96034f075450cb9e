-- Grain: one row per campaign and day of Pinterest; costs in millionths, impressions and clicks those that were paid for.
select
  'pinterest_ads' as platform,
  'fivetran' as tool,
  advertiser_id as account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  spend_in_micro_dollar as cost,
  0.000001 as factor,
  null as currency,
  impression_1 as impressions,
  clickthrough_1 as clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from pinterest_ads_campaign_report
