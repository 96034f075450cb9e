-- Grain: one row per platform and account whose currency its tables say.
with together as (
  select 'google_ads' as platform, id as account_id, currency_code as currency from google_ads_account_history
  union all select 'facebook_ads', id, currency from facebook_ads_account_history
  union all select 'microsoft_ads', id, currency_code from microsoft_ads_account_history
  union all select 'linkedin_ads', id, currency from linkedin_ads_account_history
  union all select 'tiktok_ads', id, currency from tiktok_ads_advertiser
  union all select 'pinterest_ads', id, currency from pinterest_ads_advertiser_history
  union all select 'reddit_ads', id, currency from reddit_ads_account
  union all select 'reddit_ads', id, currency from reddit_ads_business_account
  union all select 'snapchat_ads', id, currency from snapchat_ads_ad_account_history
  union all select 'twitter_ads', account_id, currency from twitter_ads_campaign_history
  union all select 'amazon_ads', id, currency_code from amazon_ads_profile
  union all select 'apple_search_ads', id, currency from apple_search_ads_organization
  union all select 'google_ads', customer_id, customer_currency_code from airbyte_google_ads_customer
  union all select 'microsoft_ads', id, currency_code from airbyte_bing_ads_accounts
  union all select 'linkedin_ads', id, currency from airbyte_linkedin_ads_accounts
  union all select 'tiktok_ads', advertiser_id, currency from airbyte_tiktok_advertisers
)

select platform, account_id, min(trim(currency)) as currency
from together
where account_id is not null and nullif(trim(currency), '') is not null
group by platform, account_id
having count(distinct trim(currency)) = 1
