-- Grain: one row per touch whose row was deleted in Salesforce.
select
  id || '/deleted@' || stamp_ms as id,
  of_ms(stamp_ms) as time,
  getvariable('source') as touch_source,
  id as touch_id,
  'deleted in Salesforce' as reason
from touches
where is_deleted and left_out is null
order by id
