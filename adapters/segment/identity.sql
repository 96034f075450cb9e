-- Grain: one row per two that a call links: identify a visitor and a person, a person and the address it gave; alias two persons; group a
-- person and an account. Each call by itself: the books know which of several counts.
select
  id,
  in_utc(happened) as time,
  'link' as op,
  {'kind': left_kind, 'id': left_id} as "left",
  {'kind': right_kind, 'id': right_id} as "right"
from link
order by id
