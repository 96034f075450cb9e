-- Grain: one row per campaign, named as in the newest of its rows that name it, with the channel of its platform; null where none is known.
with of_platform (platform, channel) as (
  values
  ('google_ads', 'paid_other'),
  ('facebook_ads', 'paid_social'),
  ('microsoft_ads', 'paid_search'),
  ('linkedin_ads', 'paid_social'),
  ('tiktok_ads', 'paid_social'),
  ('pinterest_ads', 'paid_social'),
  ('reddit_ads', 'paid_social'),
  ('snapchat_ads', 'paid_social'),
  ('twitter_ads', 'paid_social'),
  ('amazon_ads', 'paid_shopping'),
  ('apple_search_ads', 'paid_search')
),

named as (
  select
    platform,
    campaign_id,
    first(campaign_name order by campaign_name is null, stamp desc nulls last, day desc, campaign_name) as name,
    max(stamp) as stamp
  from costs
  group by platform, campaign_id
)

select named.*, coalesce(map_channels.value, of_platform.channel) as channel
from named
left join of_platform using (platform)
left join map_channels on named.platform = lower(map_channels.key)
