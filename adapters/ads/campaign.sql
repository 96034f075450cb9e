-- Grain: one row per campaign, each as it was last.
--
-- A campaign that the source no longer names, or never did, keeps its cost under its id: that event says the same for ever, and is older
-- than any other, so that a name that is told, before or after, stays.
select
  platform || ':' || campaign_id || case when is_known then coalesce('@' || stamp, '') else '' end as id,
  coalesce(case when is_known then of_ms(stamp) end, '1970-01-01T00:00:00Z') as time,
  platform || ':' || campaign_id as campaign_id,
  coalesce(name, platform || ':' || campaign_id) as name,
  channel,
  'paid' as campaign_type,
  starts_on,
  ends_on
from campaigns
order by id
