-- Grain: one row per version of an opportunity: only the current one where the source keeps no versions (Fivetran's history mode does).
--
-- `stamp_ms`: when the version began. An opportunity whose last version has ended is gone from Salesforce: it counts as deleted since then.
with versions as (
  select
    *,
    sf_id(id) as deal_id,
    fivetran_start is not null as is_version,
    ms(coalesce(fivetran_start, system_modstamp, getvariable('file_modified'))) as stamp_ms,
    row_number() over (partition by sf_id(id) order by moment(fivetran_start) desc nulls last, moment(system_modstamp) desc nulls last) = 1 as is_current
  from opportunity
),

ended as (
  select *, is_current and is_version and fivetran_active is not null and not truth(fivetran_active) as is_gone
  from versions
)

select
  deal_id,
  is_version,
  is_current,
  stamp_ms,
  case when is_gone then greatest(stamp_ms, coalesce(ms(fivetran_end), stamp_ms)) else stamp_ms end as current_ms,
  truth(is_deleted) as is_version_deleted,
  truth(is_deleted) or is_gone as is_deleted,
  sf_id(account_id) as account_id,
  name,
  stage_name,
  amount,
  currency_iso_code,
  close_date,
  type,
  lead_source,
  next_step,
  owner_id,
  created_date,
  -- blank flags say no, where any opportunity has them: else the export does not have these columns
  case
    when truth(is_won) then 'won'
    when truth(is_closed) then 'lost'
    when exists(select 1 from opportunity where is_closed is not null or is_won is not null) then 'open'
  end as own_status,
  fields_segment,
  fields_region,
  fields_product,
  fields_loss_reason,
  fields_list_amount
from ended
