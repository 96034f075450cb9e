-- Grain: one row per link: contact and company, contact and contact merged into it, contact and address, company and company merged into it.
--
-- A link has the time at which the contact or the company was made; one with a window that of the latest end of the window, and an id with it.
with links as (
  select
    employment.contact_id || '/' || employment.company_id || coalesce('@' || coalesce(until_ms, since_ms), '') as id,
    coalesce(of_ms(coalesce(until_ms, since_ms)), created_at, '1970-01-01T00:00:00Z') as time,
    employment.contact_id as person_id,
    'account' as kind,
    employment.company_id as other_id,
    of_ms(since_ms) as since,
    of_ms(until_ms) as until
  from employment
  left join contact_now using (contact_id)
  union all
  select into_id || '/' || merged_id, time, into_id, 'person', merged_id, null, null
  from contact_merge
  union all
  select contact_id || '/' || email_id(address), created_at, contact_id, 'person', email_id(address), null, null
  from contact_address
  where is_linked
),

companies as (
  select hs_id(id) as into_id, hs_id(unnest(numbers_in(merged_ids))) as merged_id, coalesce(instant(createdate), '1970-01-01T00:00:00Z') as time
  from company
)

select id, time, 'link' as op, {'kind': 'person', 'id': person_id} as "left", {'kind': kind, 'id': other_id} as "right", since, until
from links
union all
select into_id || '/' || merged_id, time, 'link', {'kind': 'account', 'id': into_id}, {'kind': 'account', 'id': merged_id}, null, null
from companies
where into_id <> merged_id
order by id
