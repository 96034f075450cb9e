-- Grain: one row per campaign, named as in the newest of its rows that name it, with the channel of its platform; null where none is known.
with named as (
  select
    platform,
    campaign_id,
    first(campaign_name order by campaign_name is null, stamp desc nulls last, day desc, campaign_name) as name,
    max(stamp) as stamp
  from costs
  group by platform, campaign_id
)

select
  named.*,
  coalesce(map_channels.value, ad_platforms.channel, case when named.platform = 'google_ads' then 'paid_other' end) as channel
from named
left join ad_platforms using (platform)
left join map_channels on named.platform = lower(map_channels.key)
