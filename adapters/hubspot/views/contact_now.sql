-- Grain: one row per contact that the export holds; links that are true from its beginning have the time of its creation.
select
  hs_id(id) as contact_id,
  coalesce(instant(createdate), '1970-01-01T00:00:00Z') as created_at,
  email,
  hs_additional_emails,
  if(associatedcompanyid is null, null, hs_id(associatedcompanyid)) as company_id,
  merged_ids,
  merged_vids,
  entered_lead,
  entered_mql,
  entered_sql,
  entered_opportunity,
  entered_customer
from contact
where id is not null
