-- Grain: one row per page view with evidence of its own, and per event that the settings have a kind for.
select
  id,
  strftime(happened at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as time,
  visitor_id,
  person_id,
  channel,
  'visit' as kind,
  'marketing' as team,
  campaign_id,
  url,
  referrer,
  utm
from touched
union all
select id, strftime(happened at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'), visitor_id, person_id, channel, kind, team, campaign_id, url, null, null
from tracked_touches('track', 'touched')
order by id
