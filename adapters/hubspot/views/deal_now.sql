-- Grain: one row per deal that the export holds, archived ones too: as it was last.
with deals as (
  select * exclude (is_deleted, fivetran_deleted), truth(is_deleted) or truth(fivetran_deleted) as is_deleted
  from deal
  union all by name
  select *, true as is_deleted
  from deal_archived
),

stamped as (
  select *, coalesce(ms(modified), ms(synced), ms(getvariable('file_modified'))) as changed_ms, ms(archived_at) as archived_ms
  from deals
  where id is not null
)

select
  hs_id(id) as deal_id,
  dealstage,
  dealname,
  amount,
  closedate,
  createdate,
  deal_currency_code,
  dealtype,
  hubspot_owner_id,
  hs_analytics_source,
  merged_ids,
  contacts,
  companies,
  changed_ms,
  archived_ms,
  is_deleted,
  columns('fields_.*')
from stamped
qualify row_number() over (partition by hs_id(id) order by greatest(changed_ms, archived_ms) desc, is_deleted desc, dealstage) = 1
