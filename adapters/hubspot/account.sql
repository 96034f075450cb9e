-- Grain: one row per company: what it is called and where it belongs; deals without a segment or region of their own have its.
with companies as (
  select
    *,
    hs_id(id) as company_id,
    coalesce(ms(modified), ms(synced), ms(getvariable('file_modified'))) as changed_ms,
    truth(is_deleted) or truth(fivetran_deleted) as is_gone
  from company
  where id is not null
)

select
  company_id || '@' || changed_ms || if(is_gone, '/deleted', '') as id,
  of_ms(changed_ms) as time,
  company_id as account_id,
  name,
  industry,
  try_cast(try_cast(numberofemployees as double) as bigint) as employees,
  hubspot_owner_id as owner,
  if(hs_parent_company_id is null, null, hs_id(hs_parent_company_id)) as parent_id,
  fields_segment as segment,
  fields_region as region,
  changed_ms as revision,
  if(is_gone, true, null) as deleted
from companies
order by id
