-- Grain: one row per platform and campaign that is known or cost something, with its channel; null where nothing says one.
--
-- Google says of which kind a campaign is; the others are what their platform is.
with every as (
  select platform, campaign_id from known_campaigns
  union
  select platform, campaign_id from costs where campaign_id is not null
),

of_kind (kind, channel) as (
  values
  ('SEARCH', 'paid_search'),
  ('DISPLAY', 'display'),
  ('VIDEO', 'paid_video'),
  ('SHOPPING', 'paid_shopping'),
  ('PERFORMANCE_MAX', 'cross_network'),
  ('DEMAND_GEN', 'cross_network'),
  ('DISCOVERY', 'cross_network'),
  ('MULTI_CHANNEL', 'cross_network'),
  ('SMART', 'cross_network'),
  ('LOCAL', 'cross_network'),
  ('LOCAL_SERVICES', 'paid_search'),
  ('HOTEL', 'paid_search'),
  ('TRAVEL', 'paid_search'),
  ('UNSPECIFIED', 'paid_other'),
  ('UNKNOWN', 'paid_other')
)

select
  every.platform,
  every.campaign_id,
  known_campaigns.name,
  known_campaigns.kind,
  known_campaigns.starts_on,
  known_campaigns.ends_on,
  known_campaigns.stamp,
  known_campaigns.campaign_id is not null as is_known,
  coalesce(
    by_kind.value,
    by_platform.value,
    ad_platforms.channel,
    case when known_campaigns.kind is null then 'paid_other' else of_kind.channel end
  ) as channel
from every
left join known_campaigns using (platform, campaign_id)
left join ad_platforms on every.platform = ad_platforms.platform
left join of_kind on known_campaigns.kind = of_kind.kind
left join map_channels as by_kind on lower(every.platform || '/' || known_campaigns.kind) = lower(by_kind.key)
left join map_channels as by_platform on every.platform = by_platform.key
