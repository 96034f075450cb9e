-- Grain: one row per state of a deal that the export can tell, whole or not; `kind` says where from.
--
--   history   after a change, from the history of the properties
--   entered   after a change of stage, of deals whose history says no stage
--   ahead     the last of `history`, where that was read later than the deal itself
--   now       the deal as it is; `deleted` where it is no more, `merged` where another deal stands for it
--
-- What today's row says beside the history (company, contacts, owner) is in none but the last four: old states must not change with it.
with latest as (
  select deal_id, max(changed_ms) as changed_ms
  from deal_history
  group by all
),

stage_changes as (
  select distinct hs_id(deal_id) as deal_id, ms(date_entered) as changed_ms, value as dealstage
  from deal_stage
  where
    date_entered is not null
    and value is not null
    and hs_id(deal_id) in (select deal_id from deal_now)
    and hs_id(deal_id) not in (select deal_id from deal_history where dealstage is not null)
    and hs_id(deal_id) not in (select merged_id from deal_merge)
    and hs_id(deal_id) not in (select into_id from deal_merge)
),

states as (
  select
    deal_id,
    'history' as kind,
    deal_history.changed_ms,
    deal_history.changed_ms::varchar as suffix,
    deal_history.dealstage,
    deal_history.amount,
    deal_history.closedate,
    if(tells_currency, deal_history.deal_currency_code, deal_now.deal_currency_code) as deal_currency_code
  from deal_history
  inner join deal_now using (deal_id)
  where is_known
  union all
  select deal_id, 'entered', changed_ms, changed_ms || '/entered', dealstage, null, null, null
  from stage_changes
  union all
  select
    deal_id,
    'ahead',
    deal_history.changed_ms,
    deal_history.changed_ms || '/ahead',
    deal_history.dealstage,
    deal_history.amount,
    deal_history.closedate,
    if(tells_currency, deal_history.deal_currency_code, deal_now.deal_currency_code)
  from deal_history
  inner join latest using (deal_id, changed_ms)
  inner join deal_now using (deal_id)
  where is_known and deal_history.changed_ms > deal_now.changed_ms and not is_deleted
  union all
  select
    deal_id,
    if(is_deleted, 'deleted', 'now'),
    if(is_deleted, greatest(deal_now.changed_ms, archived_ms, latest.changed_ms), deal_now.changed_ms),
    if(is_deleted, greatest(deal_now.changed_ms, archived_ms, latest.changed_ms) || '/deleted', deal_now.changed_ms || '/now'),
    dealstage,
    amount,
    closedate,
    deal_currency_code
  from deal_now
  left join latest using (deal_id)
  where deal_id not in (select merged_id from deal_merge)
  union all
  select
    merged_id,
    'merged',
    greatest(survivor.changed_ms, own.changed_ms),
    greatest(survivor.changed_ms, own.changed_ms) || '/merged',
    'merged',
    null,
    null,
    null
  from deal_merge
  left join deal_now as survivor on survivor.deal_id = into_id
  left join deal_now as own on own.deal_id = merged_id
)

select
  states.* exclude (deal_currency_code) replace (if(exact(amount) < 0, null, amount) as amount),
  coalesce(exact(amount) < 0, false) as is_below_zero,
  coalesce(known_as.value, upper(trim(deal_currency_code)), getvariable('currency'), getvariable('reporting_currency')) as currency,
  deal_currency_code is null as is_home_currency,
  if(kind = 'merged', 'open', status) as status
from states
left join deal_stage_status on deal_stage_status.stage_id = states.dealstage
left join map_currencies as known_as on known_as.key = deal_currency_code
