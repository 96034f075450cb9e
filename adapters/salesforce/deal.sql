-- Grain: one row per state of a deal: a row of OpportunityHistory, a version of Fivetran's history mode, the current row.
with roles as (
  select
    sf_id(opportunity_id) as deal_id,
    list_sort(list(distinct sf_id(contact_id))) as contact_ids,
    min(sf_id(contact_id)) filter (where truth(is_primary)) as primary_contact_id
  from opportunity_contact_role
  where not truth(is_deleted) and contact_id is not null
  group by all
),

accounts as (
  select sf_id(id) as account_id, fields_segment, fields_region
  from account
),

details as (
  select
    deal_id,
    true as is_current,
    name,
    owner_id as owner,
    coalesce(map_deal_types.value, type) as deal_type,
    lead_source,
    next_step,
    coalesce(o.fields_segment, accounts.fields_segment) as segment,
    coalesce(o.fields_region, accounts.fields_region) as region,
    fields_product as product,
    fields_loss_reason as loss_reason,
    fields_list_amount::decimal(38, 9) as list_amount,
    contact_ids,
    primary_contact_id
  from opportunities as o
  left join roles using (deal_id)
  left join accounts using (account_id)
  left join map_deal_types on map_deal_types.key = type
  where o.is_current
)

select
  id,
  of_ms(at_ms) as time,
  deal_id,
  account_id,
  name,
  stage,
  status,
  instant(created_date) as opened_at,
  on_day(close_date) as closed_on,
  at_day_end(close_date) as closed_at,
  amount,
  currency,
  revision,
  owner,
  deal_type,
  lead_source,
  next_step,
  segment,
  region,
  product,
  loss_reason,
  case when amount is not null and list_amount >= 0 then decimals(list_amount, digits) end as list_amount,
  contact_ids,
  primary_contact_id,
  case when is_deleted then true end as deleted
from deal_states
left join details using (deal_id, is_current)
where left_out is null
order by id
