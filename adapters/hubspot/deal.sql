-- Grain: one row per known state of a deal: after each change of its history, and as it is today.
--
-- revision: milliseconds of HubSpot's own stamp, of the change or of the deal. closed_at: `closedate`, an instant; a deal that was won or lost
-- without one closed when it changed. Amounts are in the deal's currency, never HubSpot's conversion into the home currency at today's rate.
with deals as (
  select *
  from deal_state
  where dealstage is not null and (amount is null or minor_digits(currency) is not null)
),

described as (
  select
    deals.*,
    coalesce(survivor.createdate, today.createdate) as createdate,
    if(kind in ('history', 'entered', 'merged'), null, today) as today,
    if(kind in ('history', 'entered', 'merged'), null, deal_link) as link
  from deals
  left join deal_now as today on today.deal_id = deals.deal_id
  left join deal_merge on deal_merge.merged_id = deals.deal_id
  left join deal_now as survivor on survivor.deal_id = deal_merge.into_id
  left join deal_link on deal_link.deal_id = deals.deal_id
)

select
  deal_id || '@' || suffix as id,
  of_ms(changed_ms) as time,
  deal_id,
  link.company_id as account_id,
  today.dealname as name,
  dealstage as stage,
  status,
  instant(createdate) as opened_at,
  coalesce(instant(closedate), if(status in ('won', 'lost'), of_ms(changed_ms), null)) as closed_at,
  money(amount, currency) as amount,
  if(amount is null, null, currency) as currency,
  changed_ms as revision,
  coalesce(map_deal_types.value, today.dealtype) as deal_type,
  today.hubspot_owner_id as owner,
  today.fields_segment as segment,
  today.fields_region as region,
  today.fields_product as product,
  coalesce(today.fields_lead_source, today.hs_analytics_source) as lead_source,
  today.fields_loss_reason as loss_reason,
  today.fields_next_step as next_step,
  link.contact_ids as contact_ids,
  if(kind in ('deleted', 'merged'), true, null) as deleted
from described
left join map_deal_types on map_deal_types.key = today.dealtype
where createdate is not null
order by deal_id, revision, id
