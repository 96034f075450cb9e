-- Grain: one row per contact and company that was its primary one, with the window in which it was; null: from the beginning, until now.
--
-- The history of `associatedcompanyid` dates moves. A contact that moved twice to one company has the last of these times only.
with changes as (
  select hs_id(contact_id) as contact_id, ms(timestamp) as changed_ms, max(value) as value
  from contact_property_history
  where name = 'associatedcompanyid' and timestamp is not null and contact_id is not null
  group by all
),

runs as (
  select contact_id, changed_ms, if(value is null, null, hs_id(value)) as company_id
  from changes
  qualify value is distinct from lag(value) over (partition by contact_id order by changed_ms) or row_number() over (partition by contact_id order by changed_ms) = 1
),

windows as (
  select
    contact_id,
    company_id,
    if(row_number() over (partition by contact_id order by changed_ms) = 1, null, changed_ms) as since_ms,
    lead(changed_ms) over (partition by contact_id order by changed_ms) as until_ms
  from runs
),

dated as (
  select *
  from windows
  where company_id is not null
  qualify row_number() over (partition by contact_id, company_id order by since_ms desc nulls last) = 1
)

select contact_id, company_id, since_ms, until_ms
from dated
union all
select contact_id, company_id, null, null
from contact_now
anti join dated using (contact_id, company_id)
where company_id is not null
