-- Grain: one row per refund that succeeded, and per credit note that is neither void nor refunded.
select
  id,
  created_at as time,
  id as adjustment_id,
  deal_id,
  money(amount, currency) as amount,
  currency,
  created_at as effective_at,
  reason
from claims
where problem is null
order by id
