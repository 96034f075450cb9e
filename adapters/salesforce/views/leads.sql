-- Grain: one row per lead, without those that were deleted before they were converted (duplicates, merged ones, spam).
with converted as (
  select sf_id(lead_id) as lead_id, min(moment(created_date)) as converted_at
  from lead_history
  where lower(field) = 'leadconverted'
  group by all
)

select
  sf_id(id) as lead_id,
  created_date,
  truth(is_converted) as is_converted,
  coalesce(instant(converted_at::varchar), day_start(converted_date)) as converted_at,
  sf_id(converted_account_id) as account_id,
  sf_id(converted_opportunity_id) as deal_id,
  lead_dates_inquiry,
  lead_dates_mql,
  lead_dates_sal,
  lead_dates_sql,
  lead_dates_opportunity,
  lead_dates_rejected,
  lead_dates_recycled,
  lead_dates_customer
from lead
left join converted on converted.lead_id = sf_id(lead.id)
where not truth(is_deleted) or truth(is_converted)
