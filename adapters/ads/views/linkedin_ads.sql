-- Grain: one row per LinkedIn campaign and day; the campaign of the books is its campaign group, which the history knows.
select
  'linkedin_ads' as platform,
  'fivetran' as tool,
  null as account_id,
  null as campaign_id,
  campaign_id as member_id,
  day as day,
  [_fivetran_id, device, network, placement, region, country, hour]::varchar as segment,
  cost_in_local_currency as cost,
  1 as factor,
  null as currency,
  impressions,
  clicks,
  _fivetran_deleted as is_deleted,
  _fivetran_synced as stamp
from linkedin_ads_ad_analytics_by_campaign
union all
select
  'linkedin_ads',
  'airbyte',
  null,
  null,
  regexp_extract(sponsored_campaign, '([0-9]+)[^0-9]*$', 1),
  coalesce(start_date, end_date),
  [end_date]::varchar,
  cost_in_local_currency,
  1,
  null,
  impressions,
  clicks,
  null,
  _airbyte_extracted_at
from airbyte_linkedin_ads_ad_campaign_analytics
