-- Grain: one row per change of a property that a deal's states are made of.
--
-- Not of merged deals: the deal that a merge makes has the history of both, and its changes of stage never happened to one deal.
select hs_id(deal_id) as id, name, ms(timestamp) as changed_ms, value
from deal_property_history
where
  name in ('dealstage', 'amount', 'closedate', 'deal_currency_code')
  and timestamp is not null
  and hs_id(deal_id) in (select deal_id from deal_now)
  and hs_id(deal_id) not in (select merged_id from deal_merge)
  and hs_id(deal_id) not in (select into_id from deal_merge)
