-- Grain: one row per won deal (842); the source has no open and no lost ones, and no history.
--
-- Amount: what the seller then sold, the sum of its items' prices in BRL (0.00 for the 462 sellers who never sold).
-- `declared_monthly_revenue` is not used: 0 in 797 rows and fifty million in one.
-- closed_at: `won_date`, which is UTC. In 61 rows it is a midnight of São Paulo written in UTC (02:00 or 03:00), so it
-- must be read as the instant it is: taken as local time it would move deals, and taken as a date it would be right by luck.
-- opened_at: the first contact (as in touch.sql), since the source knows no earlier step. One deal was won two days
-- *before* its first contact: it opens when it closes, and the later contact earns nothing from it.
with leads as (
  select *, case when first_contact_date::date between date '2017-10-16' and date '2018-02-17' then 2 else 3 end as hours_behind_utc
  from qualified_leads
),

sales as (
  select seller_id, sum(price::decimal(18, 2)) as amount
  from order_items
  group by all
),

deals as (
  select
    closed_deals.*,
    leads.origin,
    seller_list.seller_state,
    coalesce(sales.amount, 0::decimal(18, 2)) as amount,
    won_date::timestamp as closed_at,
    least(won_date::timestamp, first_contact_date::timestamp + to_hours(hours_behind_utc)) as opened_at
  from closed_deals
  inner join leads using (mql_id)
  left join sales using (seller_id)
  left join seller_list using (seller_id)
)

select
  mql_id || '/won' as id,
  strftime(closed_at, '%Y-%m-%dT%H:%M:%SZ') as time,
  mql_id as deal_id,
  seller_id as account_id,
  'won' as stage,
  'won' as status,
  strftime(opened_at, '%Y-%m-%dT%H:%M:%SZ') as opened_at,
  strftime(closed_at, '%Y-%m-%dT%H:%M:%SZ') as closed_at,
  amount,
  'BRL' as currency,
  'new' as deal_type,
  sr_id as owner,
  business_segment as segment,
  seller_state as region,
  case origin when 'direct_traffic' then 'direct' else coalesce(origin, 'not_recorded') end as lead_source,
  [mql_id] as contact_ids,
  mql_id as primary_contact_id
from deals
order by id
