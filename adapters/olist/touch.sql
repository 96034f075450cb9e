-- Grain: one row per marketing-qualified lead (8,000): the sign-up on a landing page, which is its one known touch.
--
-- Time zone: `first_contact_date` is a date in São Paulo, so the touch is at the first moment of that day there.
-- Summer time (UTC-2) ran from 2017-10-15 to 2018-02-17; its first day begins at 03:00 UTC, because midnight was skipped.
-- Channel: `origin`, with `direct_traffic` called `direct` as everywhere; the literal `unknown` (1,099) stays, and a
-- missing origin (60) is `not_recorded`: two different kinds of not knowing.
with leads as (
  select *, case when first_contact_date::date between date '2017-10-16' and date '2018-02-17' then '-02:00' else '-03:00' end as utc_offset
  from qualified_leads
)

select
  'contact/' || mql_id as id,
  first_contact_date || 'T00:00:00' || utc_offset as time,
  mql_id as person_id,
  case origin when 'direct_traffic' then 'direct' else coalesce(origin, 'not_recorded') end as channel,
  'form' as kind,
  'marketing' as team,
  landing_page_id as campaign_id
from leads
order by id
