-- Grain: one row per form that was sent, with what the address of its page says of the way there.
with forms as (
  select *
  from form_sender
  qualify row_number() over (partition by conversion_id order by length(contact_id), contact_id) = 1
),

addressed as (
  select
    conversion_id,
    contact_id,
    timestamp,
    regexp_extract(page_url, '^[^?#]+') as url,
    query_parameter(page_url, 'utm_source') as source,
    query_parameter(page_url, 'utm_medium') as medium,
    query_parameter(page_url, 'utm_campaign') as campaign,
    query_parameter(page_url, 'utm_term') as term,
    query_parameter(page_url, 'utm_content') as content,
    regexp_extract(page_url, '(?i)[?&](gclid|gbraid|wbraid|msclkid|dclid|ttclid|twclid|li_fat_id|rdt_cid|sccid|epik)=[^&#]', 1) as click_id,
    coalesce(query_parameter(page_url, 'utm_id'), query_parameter(page_url, 'gad_campaignid'), query_parameter(page_url, 'hsa_cam')) as ad_id,
    query_parameter(page_url, 'gad_campaignid') is not null as is_google
  from forms
),

judged as (
  select
    *,
    lower(trim(coalesce(source, ''))) as s,
    lower(trim(coalesce(medium, ''))) as m,
    case
      when regexp_matches(lower(coalesce(source, if(is_google, 'google', ''))), 'google|adwords') then 'google_ads'
      when regexp_matches(lower(source), 'linkedin') then 'linkedin_ads'
      when regexp_matches(lower(source), 'facebook|instagram|meta|^fb$|^ig$') then 'facebook_ads'
      when regexp_matches(lower(source), 'bing|microsoft') then 'microsoft_ads'
      when regexp_matches(lower(source), 'tiktok') then 'tiktok_ads'
      when regexp_matches(lower(source), 'twitter|^x$') then 'twitter_ads'
      when regexp_matches(lower(source), 'reddit') then 'reddit_ads'
      when regexp_matches(lower(source), 'pinterest') then 'pinterest_ads'
      when regexp_matches(lower(source), 'snapchat') then 'snapchat_ads'
    end as platform
  from addressed
),

kinds as (
  select
    *,
    regexp_full_match(m, '.*cp.*|ppc|retargeting|paid.*') as is_paid,
    regexp_matches(s, 'google|adwords|bing|yahoo|duckduckgo|baidu|yandex|ecosia|qwant') as is_search,
    regexp_matches(s, 'linkedin|facebook|instagram|twitter|tiktok|reddit|pinterest|snapchat|quora|xing') or s in ('x', 'fb', 'ig', 'meta') as is_social,
    regexp_matches(s, 'youtube|vimeo') as is_video
  from judged
)

select
  conversion_id,
  contact_id,
  timestamp,
  url,
  source,
  medium,
  campaign,
  term,
  content,
  case
    when lower(click_id) in ('gclid', 'gbraid', 'wbraid', 'msclkid') then 'paid_search'
    when lower(click_id) = 'dclid' then 'display'
    when click_id <> '' then 'paid_social'
    when coalesce(source, medium, campaign) is null then 'website'
    when is_paid and is_search then 'paid_search'
    when is_paid and is_social then 'paid_social'
    when is_paid and is_video then 'paid_video'
    when m in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'display'
    when is_paid then 'paid_other'
    when is_social or m in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media') then 'organic_social'
    when is_video or regexp_matches(m, 'video') then 'organic_video'
    when is_search or m = 'organic' then 'organic_search'
    when m in ('referral', 'app', 'link') then 'referral'
    when regexp_full_match(s, 'e[-_ ]?mail') or regexp_full_match(m, 'e[-_ ]?mail') then 'email'
    when m = 'affiliate' then 'affiliates'
    when m = 'audio' then 'audio'
    when 'sms' in (s, m) then 'sms'
    when regexp_matches(m, 'push$|mobile|notification') then 'push'
    else 'unassigned'
  end as channel,
  case
    when regexp_full_match(campaign, '701[0-9A-Za-z]{12}([0-9A-Za-z]{3})?') then sf_id(campaign)
    when regexp_full_match(ad_id, '[0-9]+') and platform is not null then platform || ':' || ad_id
    else 'utm:' || lower(campaign)
  end as campaign_id
from kinds
