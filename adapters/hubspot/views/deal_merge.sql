-- Grain: one row per deal that was merged away, with the deal that stands for it in the end.
--
-- Merging A and B makes a new deal C. Fivetran says so in `merged_deal`, HubSpot itself in `hs_merged_object_ids`; C may be merged again.
with recursive pairs as (
  select hs_id(merged_deal_id) as merged_id, hs_id(deal_id) as into_id
  from merged_deal
  union
  select hs_id(unnest(numbers_in(merged_ids))), deal_id
  from deal_now
),

steps as (
  select merged_id, into_id
  from pairs
  where merged_id <> into_id
  union
  select steps.merged_id, pairs.into_id
  from steps
  inner join pairs on pairs.merged_id = steps.into_id
)

select merged_id, min(into_id) as into_id
from steps
where into_id not in (select merged_id from pairs where merged_id <> pairs.into_id)
group by all
