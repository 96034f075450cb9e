-- Grain: one row per meeting or call that was deleted, and contact that took part in it.
select
  engagement_id || '/' || replace(contact_id, 'hs:', '') || '/deleted' as id,
  instant(occurred_at) as time,
  getvariable('source') as touch_source,
  engagement_id || '/' || replace(contact_id, 'hs:', '') as touch_id,
  'deleted in HubSpot' as reason
from engagement_touch
where is_held and is_deleted and contact_id is not null and occurred_at is not null
order by id
