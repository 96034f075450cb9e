-- Grain: one row per contact that was merged into another; `time` is that of the link.
--
-- `hs_merged_object_ids` and `hs_calculated_merged_vids` (`id:time;…`) each miss some of the merges, older exports have an audit beside them.
with merges as (
  select contact_id as into_id, hs_id(unnest(numbers_in(merged_ids))) as merged_id, created_at as time
  from contact_now
  union
  select contact_id, hs_id(unnest(numbers_in(merged_vids))), created_at
  from contact_now
  union
  select hs_id(canonical_vid), hs_id(vid_to_merge), coalesce(created_at, '1970-01-01T00:00:00Z')
  from contact_merge_audit
  left join contact_now on contact_id = hs_id(canonical_vid)
  where canonical_vid is not null and vid_to_merge is not null
)

select merged_id, into_id, time
from merges
where merged_id <> into_id
