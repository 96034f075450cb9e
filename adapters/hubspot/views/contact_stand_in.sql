-- Grain: one row per contact that was merged away, with the contact that stands for it in the end.
with recursive steps as (
  select merged_id, into_id
  from contact_merge
  union
  select steps.merged_id, contact_merge.into_id
  from steps
  inner join contact_merge on contact_merge.merged_id = steps.into_id
)

select merged_id, arg_min(into_id, (length(into_id), into_id)) as into_id
from steps
where into_id not in (select merged_id from contact_merge)
group by all
