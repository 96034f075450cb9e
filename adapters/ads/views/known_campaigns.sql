-- Grain: one row per platform and campaign that its tables of campaigns name, each as it was last, with its account.
with together as (
  select
    'google_ads' as platform, id as campaign_id, name, customer_id as account_id, null as currency, advertising_channel_type as kind,
    start_date as starts, end_date as ends, coalesce(changed, _fivetran_synced) as stamp
  from google_ads_campaign_history
  union all
  select 'facebook_ads', id, name, account_id, null, null, start_time, stop_time, coalesce(changed, _fivetran_synced)
  from facebook_ads_campaign_history
  union all
  select 'microsoft_ads', id, name, account_id, null, type, start_date, end_date, coalesce(changed, _fivetran_synced)
  from microsoft_ads_campaign_history
  union all
  select 'linkedin_ads', id, name, account_id, null, null, run_schedule_start, run_schedule_end, coalesce(changed, _fivetran_synced)
  from linkedin_ads_campaign_group_history
  union all
  select 'tiktok_ads', campaign_id, campaign_name, advertiser_id, null, null, null, null, coalesce(changed, _fivetran_synced)
  from tiktok_ads_campaign_history
  union all
  select 'pinterest_ads', id, name, advertiser_id, null, null, start_time, end_time, coalesce(changed, _fivetran_synced)
  from pinterest_ads_campaign_history
  union all
  select 'reddit_ads', id, name, account_id, null, null, null, null, coalesce(changed, _fivetran_synced)
  from reddit_ads_campaign
  union all
  select 'snapchat_ads', id, name, ad_account_id, null, null, start_time, end_time, coalesce(changed, _fivetran_synced)
  from snapchat_ads_campaign_history
  union all
  select 'twitter_ads', id, name, account_id, currency, null, start_time, end_time, coalesce(changed, _fivetran_synced)
  from twitter_ads_campaign_history
  union all
  select 'amazon_ads', id, name, profile_id, null, null, start_date, end_date, coalesce(changed, _fivetran_synced)
  from amazon_ads_campaign_history
  union all
  select 'apple_search_ads', id, name, organization_id, null, null, start_time, end_time, coalesce(changed, _fivetran_synced)
  from apple_search_ads_campaign_history
  union all
  select
    'google_ads', campaign_id, campaign_name, coalesce(customer_id, regexp_extract(campaign_resource_name, '^customers/([0-9]+)/', 1)), null,
    campaign_advertising_channel_type, campaign_start_date, campaign_end_date, _airbyte_extracted_at
  from airbyte_google_ads_campaign
  union all
  select 'facebook_ads', id, name, account_id, null, null, start_time, stop_time, coalesce(changed, _airbyte_extracted_at)
  from airbyte_facebook_campaigns
  union all
  select 'microsoft_ads', id, name, account_id, null, campaign_type, null, null, coalesce(changed, _airbyte_extracted_at)
  from airbyte_bing_ads_campaigns
  union all
  select
    'linkedin_ads', id, name, regexp_extract(account, '([0-9]+)$', 1), null, null, json_extract_string(run_schedule, '$.start'),
    json_extract_string(run_schedule, '$.end'), coalesce(changed, _airbyte_extracted_at)
  from airbyte_linkedin_ads_campaign_groups
  union all
  select 'tiktok_ads', campaign_id, campaign_name, advertiser_id, null, null, null, null, coalesce(changed, _airbyte_extracted_at)
  from airbyte_tiktok_campaigns
),

reported as (
  select 'pinterest_ads' as platform, campaign_id, campaign_name as name, advertiser_id as account_id, _fivetran_synced as stamp
  from pinterest_ads_campaign_report
  union all
  select 'facebook_ads', campaign_id, campaign_name, account_id, _airbyte_extracted_at
  from airbyte_facebook_ads_insights
  union all
  select 'microsoft_ads', campaign_id, campaign_name, account_id, _airbyte_extracted_at
  from airbyte_bing_ads_campaign_performance_report_daily
),

every as (
  select *, 1 as place from together
  union all
  select platform, campaign_id, name, account_id, null, null, null, null, stamp, 2 from reported where name is not null
),

dated as (
  select
    platform,
    campaign_id,
    nullif(trim(name), '') as name,
    nullif(account_id, '') as account_id,
    currency,
    upper(kind) as kind,
    day_of(starts) as starts_on,
    day_of(ends) as ends_on,
    ms(coalesce(stamp, getvariable('file_modified')::varchar)) as stamp,
    place
  from every
  where campaign_id is not null
)

select * exclude (ends_on, place), case when ends_on < '2037-12-30' and ends_on >= coalesce(starts_on, ends_on) then ends_on end as ends_on
from dated
qualify row_number() over (partition by platform, campaign_id order by place, stamp desc nulls last, name, starts_on, ends_on, kind, account_id) = 1
