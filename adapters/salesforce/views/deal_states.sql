-- Grain: one row per state of a deal, those included that become no event: `left_out` says why.
--
-- Three sources, all of which are sent where they are there: OpportunityHistory, which Salesforce writes on every change of stage, amount,
-- close date and probability; the versions of Fivetran's history mode; the current row. Equal neighbours book nothing.
-- History and versions hold what cannot change any more. Owner, type, contacts and the like belong to the current row alone.
-- Revision: milliseconds of the change; rows of one second are ordered by their ids; the current row comes after all of its second.
-- It is as new as the newest of what it is made of: the opportunity, its account, its contact roles, deleted ones too.
with roles as (
  select sf_id(opportunity_id) as deal_id, max(ms(system_modstamp)) as stamp_ms
  from opportunity_contact_role
  group by all
),

accounts as (
  select sf_id(id) as account_id, ms(system_modstamp) as stamp_ms
  from account
),

current_rows as (
  select o.*, greatest(o.current_ms, coalesce(roles.stamp_ms, o.current_ms), coalesce(accounts.stamp_ms, o.current_ms)) as state_ms
  from opportunities as o
  left join roles using (deal_id)
  left join accounts using (account_id)
  where o.is_current
),

history as (
  select
    sf_id(id) as history_id,
    sf_id(opportunity_id) as deal_id,
    ms(created_date) as state_ms,
    row_number() over (partition by sf_id(opportunity_id), ms(created_date) order by sf_id(id)) - 1 as place,
    truth(is_deleted) as is_history_deleted,
    stage_name,
    amount,
    currency_iso_code,
    close_date
  from opportunity_history
),

states as (
  select
    o.deal_id || '/' || h.history_id as id,
    h.state_ms as at_ms,
    h.state_ms + h.place as revision,
    o.deal_id,
    o.account_id,
    o.created_date,
    h.stage_name as stage,
    null as own_status,
    h.amount,
    coalesce(h.currency_iso_code, o.currency_iso_code) as currency_code,
    h.close_date,
    false as is_deleted,
    false as is_current
  from history as h
  inner join current_rows as o using (deal_id)
  where o.is_deleted or not h.is_history_deleted
  union all
  select
    deal_id || '@' || stamp_ms, stamp_ms, stamp_ms, deal_id, account_id, created_date, stage_name, own_status, amount, currency_iso_code, close_date,
    is_version_deleted, false
  from opportunities
  where is_version
  union all
  select
    deal_id || '@' || state_ms || if(is_version, '/now', ''), state_ms, state_ms + 500, deal_id, account_id, created_date, stage_name, own_status,
    amount, currency_iso_code, close_date, is_deleted, true
  from current_rows
),

told as (
  select
    states.* exclude (own_status, amount),
    coalesce(stages.status, own_status) as status,
    coalesce(map_currencies.value, currency_code, getvariable('currency'), getvariable('reporting_currency')) as currency,
    amount::decimal(38, 9) as amount
  from states
  left join stages using (stage)
  left join map_currencies on map_currencies.key = currency_code
),

counted as (
  select *, minor_digits(currency) as digits
  from told
)

select
  * exclude (amount, currency),
  case when amount >= 0 then decimals(amount, digits) end as amount,
  case when amount >= 0 then currency end as currency,
  amount < 0 as is_below_zero,
  case
    when created_date is null then 'states of opportunities without a CreatedDate'
    when amount >= 0 and digits is null
      then 'deal states in ' || currency || ', which is no currency: add it to currencies'
    when status in ('won', 'lost') and close_date is null then 'closed states without a CloseDate'
    when status in ('won', 'lost') and left(close_date, 10)::date not between date '1970-01-01' and date '2199-12-31'
      then 'closed states with a CloseDate outside 1970 to 2199'
  end as left_out
from counted
