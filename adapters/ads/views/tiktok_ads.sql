-- Grain: one row per campaign and hour of TikTok, or campaign and day in Airbyte's report, whose figures are a JSON or flattened.
select
  'tiktok_ads' as platform,
  'fivetran' as tool,
  null as account_id,
  campaign_id,
  null as member_id,
  stat_time_hour as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  spend as cost,
  1 as factor,
  null as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from tiktok_ads_campaign_report_hourly
union all
select
  'tiktok_ads',
  'airbyte',
  advertiser_id,
  campaign_id,
  null,
  stat_time_day,
  [null]::varchar,
  coalesce(spend, json_extract_string(metrics, '$.spend')),
  1,
  null,
  coalesce(impressions, json_extract_string(metrics, '$.impressions')),
  coalesce(clicks, json_extract_string(metrics, '$.clicks')),
  null,
  _airbyte_extracted_at
from airbyte_tiktok_campaigns_reports_daily
