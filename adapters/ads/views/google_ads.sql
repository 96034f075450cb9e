-- Grain: one row per row of Google Ads' campaign report: campaign, day, network, device or hour; costs in millionths.
select
  'google_ads' as platform,
  'fivetran' as tool,
  customer_id as account_id,
  id as campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  cost_micros as cost,
  0.000001 as factor,
  null as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from google_ads_campaign_stats
union all
select
  'google_ads',
  'airbyte',
  coalesce(customer_id, regexp_extract(campaign_resource_name, '^customers/([0-9]+)/', 1)),
  campaign_id,
  null,
  segments_date,
  [segments_hour, segments_ad_network_type, segments_device]::varchar,
  metrics_cost_micros,
  0.000001,
  null,
  metrics_impressions,
  metrics_clicks,
  null,
  _airbyte_extracted_at
from airbyte_google_ads_campaign
