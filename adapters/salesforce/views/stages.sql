-- Grain: one row per stage that the settings or Salesforce's own list of stages name, and its status.
--
-- The settings go before Salesforce, the name of the API before the label. A name of two stages that disagree says nothing.
with flagged as (
  select api_name, master_label, case when truth(is_won) then 'won' when truth(is_closed) then 'lost' else 'open' end as status
  from opportunity_stage
),

named as (
  select 1 as place, key as stage, value as status from map_stages
  union all
  select 2, api_name, status from flagged where api_name is not null
  union all
  select 3, master_label, status from flagged where master_label is not null
),

agreed as (
  select place, stage, min(status) as status
  from named
  group by all
  having count(distinct status) = 1
)

select stage, arg_min(status, place) as status
from agreed
group by all
