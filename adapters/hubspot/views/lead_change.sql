-- Grain: one row per change of a contact's lifecycle stage or lead status, with the stage of a lead that it stands for; null: for none.
--
-- Contacts whose history says no lifecycle stage have the dates at which they entered HubSpot's own stages.
with own_stages as (
  select unnest(['lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity', 'customer']) as value,
    unnest(['inquiry', 'mql', 'sql', 'opportunity', 'customer']) as stage
),

history as (
  select hs_id(contact_id) as contact_id, lower(name) as name, value, ms(timestamp) as changed_ms
  from contact_property_history
  where name in ('lifecyclestage', 'hs_lead_status') and value is not null and timestamp is not null and contact_id is not null
),

entered as (
  unpivot (
    select contact_id, entered_lead as lead, entered_mql as marketingqualifiedlead, entered_sql as salesqualifiedlead,
      entered_opportunity as opportunity, entered_customer as customer
    from contact_now
    where contact_id not in (select contact_id from history where name = 'lifecyclestage')
  )
  on lead, marketingqualifiedlead, salesqualifiedlead, opportunity, customer
  into name value value entered_at
),

changes as (
  select contact_id, name, value, changed_ms
  from history
  union
  select contact_id, 'lifecyclestage', value, ms(entered_at)
  from entered
)

select
  contact_id,
  changes.name,
  changes.value,
  changed_ms,
  case changes.name when 'lifecyclestage' then coalesce(lifecycle.value, own_stages.stage) else map_lead_statuses.value end as stage
from changes
left join map_lifecycle_stages as lifecycle on lifecycle.key = changes.value
left join own_stages on own_stages.value = changes.value
left join map_lead_statuses on map_lead_statuses.key = changes.value
