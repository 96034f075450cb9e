-- Grain: one row per lead and stage: `mql` at first contact (8,000), `customer` when it was won (842).
--
-- The mql_id names the lead and the person behind it. The account is the seller that a won lead became; leads that were
-- never won have none. Times as in touch.sql and deal.sql.
with leads as (
  select *, case when first_contact_date::date between date '2017-10-16' and date '2018-02-17' then '-02:00' else '-03:00' end as utc_offset
  from qualified_leads
),

stages as (
  select
    mql_id || '/mql' as id,
    first_contact_date || 'T00:00:00' || utc_offset as time,
    mql_id,
    'mql' as stage,
    null as account_id,
    null as deal_id,
    null as owner,
    'marketing' as team
  from leads
  union all
  select mql_id || '/customer', replace(won_date, ' ', 'T') || 'Z', mql_id, 'customer', seller_id, mql_id, sr_id, 'sales'
  from closed_deals
)

select id, time, mql_id as lead_id, stage, mql_id as person_id, account_id, deal_id, owner, team
from stages
order by id
