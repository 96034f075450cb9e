-- Grain: one row per row of Microsoft Advertising's daily report: campaign, day, device, network, match types, place on the page.
select
  'microsoft_ads' as platform,
  'fivetran' as tool,
  account_id,
  campaign_id,
  null as member_id,
  date as day,
  [_fivetran_id, device_os, device, network, ad_distribution, bid_match_type, delivered_match_type, top_vs_other,
    placement, region, country, hour]::varchar as segment,
  spend as cost,
  1 as factor,
  currency_code as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from microsoft_ads_campaign_performance_daily_report
union all
select
  'microsoft_ads',
  'airbyte',
  account_id,
  campaign_id,
  null,
  time_period,
  [ad_distribution, device_type, device_os, network, bid_match_type, delivered_match_type, top_vs_other, goal, goal_type]::varchar,
  spend,
  1,
  currency_code,
  impressions,
  clicks,
  null,
  _airbyte_extracted_at
from airbyte_bing_ads_campaign_performance_report_daily
