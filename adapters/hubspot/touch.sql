-- Grain: one row per form sent, e-mail clicked (opened, where email_opens says so), contact in a meeting held, contact in a call.
with touches as (
  select
    if(starts_with(conversion_id, 'hs:'), conversion_id, 'hs:' || conversion_id) as id,
    instant(timestamp) as time,
    contact_id as person_id,
    channel,
    'form' as kind,
    'marketing' as team,
    campaign_id,
    nullif(url, '') as url,
    {'source': source, 'medium': medium, 'campaign': campaign, 'term': term, 'content': content} as utm
  from form_page
  union all
  select event_id, instant(created), person_id, 'email', kind, 'marketing', campaign_id, null, null
  from email_touch
  where reason is null
  union all
  select engagement_id || '/' || replace(contact_id, 'hs:', ''), instant(occurred_at), contact_id, channel, kind, 'sales', null, null, null
  from engagement_touch
  where is_held and not is_deleted and contact_id is not null and occurred_at is not null
)

select touches.* replace (coalesce(map_teams.value, team) as team)
from touches
left join map_teams on map_teams.key = touches.kind
order by id
