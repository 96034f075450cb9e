-- Grain: one row per stage that a lead reached: created, its status changed, converted, or dated by a column of the firm's own.
--
-- Who owns a lead is known of today alone, and is not said of what happened then.
with dated as (
  select lead_id, unnest([
    {'stage': 'inquiry', 'reached': lead_dates_inquiry},
    {'stage': 'mql', 'reached': lead_dates_mql},
    {'stage': 'sal', 'reached': lead_dates_sal},
    {'stage': 'sql', 'reached': lead_dates_sql},
    {'stage': 'opportunity', 'reached': lead_dates_opportunity},
    {'stage': 'rejected', 'reached': lead_dates_rejected},
    {'stage': 'recycled', 'reached': lead_dates_recycled},
    {'stage': 'customer', 'reached': lead_dates_customer}
  ], recursive := true)
  from leads
),

stages as (
  select lead_id || '/created' as id, instant(created_date) as time, lead_id, 'inquiry' as stage, null as account_id, null as deal_id, null as reason
  from leads
  where created_date is not null
  union all
  select sf_id(h.id), instant(h.created_date), leads.lead_id, statuses.value, null, null, h.new_value
  from lead_history as h
  inner join map_lead_statuses as statuses on statuses.key = h.new_value
  inner join leads on leads.lead_id = sf_id(h.lead_id)
  where lower(h.field) = 'status'
  union all
  select lead_id || '/converted', converted_at, lead_id, 'opportunity', account_id, deal_id, null
  from leads
  where is_converted and converted_at is not null
  union all
  -- a date that a loader keeps as a time is a midnight
  select
    lead_id || '/' || stage,
    if(regexp_full_match(substr(reached, 11), '([ T]00:00:00([.]0+)?(Z|[+]00(:?00)?)?)?'), day_start(reached), instant(reached)),
    lead_id, stage, null, null, null
  from dated
  where reached is not null
)

select id, time, lead_id, stage, lead_id as person_id, account_id, deal_id, if(stage in ('inquiry', 'mql'), 'marketing', 'sales') as team, reason
from stages
order by id
