-- Grain: one row per deal and millisecond of its history; the API keeps 20 versions of a property.
select
  id as deal_id,
  changed_ms,
  state['dealstage'] as dealstage,
  state['amount'] as amount,
  state['closedate'] as closedate,
  state['deal_currency_code'] as deal_currency_code,
  id in (select id from deal_change where name = 'deal_currency_code') as tells_currency,
  is_whole and state['dealstage'] is not null as is_known
from states_of('deal_change', ['dealstage', 'amount', 'closedate', 'deal_currency_code'], 20)
