-- Grain: one row per person, event and time of coming.
select
  id,
  happened_at as time,
  coalesce(person_id, email_id) as person_id,
  getvariable('channel') as channel,
  kind,
  getvariable('team') as team,
  coalesce(map_campaigns.value, event) as campaign_id
from attendances
left join map_campaigns on lower(trim(map_campaigns.key)) = lower(event)
where problem is null
order by id
