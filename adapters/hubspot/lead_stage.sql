-- Grain: one row per contact, stage of a lead and millisecond in which it reached it.
select distinct
  contact_id || '/' || stage || '@' || changed_ms as id,
  of_ms(changed_ms) as time,
  contact_id as lead_id,
  stage,
  contact_id as person_id
from lead_change
where stage is not null
order by id
