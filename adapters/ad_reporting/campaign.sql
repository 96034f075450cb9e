-- Grain: one row per campaign of the report; one without a name is called by its id.
select
  platform || ':' || campaign_id || coalesce('@' || stamp, '') as id,
  coalesce(of_ms(stamp), '1970-01-01T00:00:00Z') as time,
  platform || ':' || campaign_id as campaign_id,
  coalesce(name, platform || ':' || campaign_id) as name,
  channel,
  'paid' as campaign_type
from campaigns
order by id
