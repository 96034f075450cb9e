-- Grain: one row per ad and day of Facebook's basic report, whose campaign the ad's history knows; Airbyte's rows name it.
select
  'facebook_ads' as platform,
  'fivetran' as tool,
  account_id,
  null as campaign_id,
  ad_id as member_id,
  date as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  spend as cost,
  1 as factor,
  null as currency,
  impressions,
  inline_link_clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from facebook_ads_basic_ad
union all
select
  'facebook_ads',
  'airbyte',
  account_id,
  campaign_id,
  null,
  date_start,
  [ad_id, adset_id, placement, region, country]::varchar,
  spend,
  1,
  account_currency,
  impressions,
  coalesce(inline_link_clicks, clicks),
  null,
  _airbyte_extracted_at
from airbyte_facebook_ads_insights
