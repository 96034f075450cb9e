-- Grain: one row per landing page on which a qualified lead signed up (495).
--
-- A landing page is the nearest thing to a campaign that the source has. It has no name and no channel of its own:
-- the name is made from its id, the channel is that by which most of its leads came (ties: the first by name).
-- There is no spend in the source, so these campaigns have no cost, and their ROI says `no_cost`.
with leads as (
  select landing_page_id, first_contact_date::date as contact_date, case origin when 'direct_traffic' then 'direct' else coalesce(origin, 'not_recorded') end as channel
  from qualified_leads
),

channels as (
  select landing_page_id, channel, count(*) as leads
  from leads
  group by all
),

pages as (
  select landing_page_id, min(contact_date) as starts_on, max(contact_date) as ends_on
  from leads
  group by all
)

select
  'landing-page/' || landing_page_id as id,
  starts_on || 'T00:00:00Z' as time,
  landing_page_id as campaign_id,
  'Landing page ' || left(landing_page_id, 8) as name,
  (select channel from channels where channels.landing_page_id = pages.landing_page_id order by leads desc, channel limit 1) as channel,
  'landing_page' as campaign_type,
  starts_on,
  ends_on
from pages
order by id
