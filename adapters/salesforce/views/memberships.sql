-- Grain: one row per contact and account that it belongs to, or did.
--
-- A contact that moved has a history (ContactHistory where the field is tracked, else Fivetran's versions): the time of the move ends one
-- membership and begins the other. There is one window for a contact and an account: who came back is taken to have stayed.
-- Without a history there is the account of today, without a window. `which` tells windows of one contact and account apart: it goes into ids.
-- ContactHistory writes each move twice: with names, and with ids.
with versions as (
  select
    *,
    sf_id(id) as contact_id,
    lag(sf_id(account_id)) over (partition by sf_id(id) order by moment(fivetran_start)) as account_before,
    fivetran_start is not null and lag(true) over (partition by sf_id(id) order by moment(fivetran_start)) as is_later,
    row_number() over (partition by sf_id(id) order by moment(fivetran_start) desc nulls last, moment(system_modstamp) desc nulls last) as place
  from contact
),

contacts as (
  select contact_id, sf_id(account_id) as account_id, coalesce(created_date, system_modstamp, getvariable('file_modified')) as created_date
  from versions
  where place = 1 and not truth(is_deleted)
),

tracked as (
  select
    sf_id(contact_id) as contact_id,
    moment(created_date) as moved_at,
    coalesce(sf_id(id), '') as move_id,
    sf_id(old_value) as account_before,
    sf_id(new_value) as account_after
  from contact_history
  where
    lower(field) in ('account', 'accountid')
    and coalesce(old_value, new_value) is not null
    and (old_value is null or regexp_full_match(old_value, '001[A-Za-z0-9]{12}([A-Za-z0-9]{3})?'))
    and (new_value is null or regexp_full_match(new_value, '001[A-Za-z0-9]{12}([A-Za-z0-9]{3})?'))
),

moves as (
  select * from tracked
  union all
  select contact_id, moment(fivetran_start), '', account_before, sf_id(account_id)
  from versions
  anti join tracked using (contact_id)
  where is_later and account_before is distinct from sf_id(account_id)
),

sides as (
  select contact_id, account_before as account_id, moved_at, move_id, true as is_end from moves where account_before is not null
  union all
  select contact_id, account_after, moved_at, move_id, false from moves where account_after is not null
),

windows as (
  select
    contact_id,
    sides.account_id,
    max(moved_at) as told_at,
    -- the first thing told of it is its end: it had begun before
    case when not arg_min(is_end, (moved_at, move_id)) then min(moved_at) end as since,
    case when any_value(contacts.account_id) is distinct from sides.account_id then max(moved_at) filter (where is_end) end as until
  from sides
  inner join contacts using (contact_id)
  group by contact_id, sides.account_id
)

select contact_id, account_id, created_date as told_at, null as since, null as until, '' as which
from contacts
anti join windows using (contact_id, account_id)
where account_id is not null
union all
select
  contact_id,
  account_id,
  told_at::varchar,
  instant(since::varchar),
  instant(until::varchar),
  '@' || epoch_ms(told_at) || '/' || coalesce(epoch_ms(since)::varchar, '') || '-' || coalesce(epoch_ms(until)::varchar, '')
from windows
where since is null or until is null or since < until
