-- Grain: one row per link: who belongs to which account, who is whom after a conversion or a merge, and who has which address.
--
-- A lead is a person with the same id. What is merged away is known where deleted rows are exported (`queryAll`, *Export All*).
with mailboxes as (
  select lower(trim(value)) as mailbox from list_shared_mailboxes
),

addresses as (
  select sf_id(id) as person_id, lower(trim(email)) as address, coalesce(created_date, system_modstamp, getvariable('file_modified')) as told_at
  from contact
  qualify row_number() over (partition by sf_id(id) order by moment(fivetran_start) desc nulls last, moment(system_modstamp) desc nulls last) = 1
  union all
  select sf_id(id), lower(trim(email)), created_date
  from lead
),

merged as (
  select 'person' as kind, sf_id(id) as id, sf_id(master_record_id) as winner, coalesce(system_modstamp, getvariable('file_modified')) as told_at
  from contact
  where master_record_id is not null
  union all
  select 'lead', sf_id(id), sf_id(master_record_id), coalesce(system_modstamp, getvariable('file_modified'))
  from lead
  where master_record_id is not null
  union all
  select 'account', sf_id(id), sf_id(master_record_id), coalesce(system_modstamp, getvariable('file_modified'))
  from account
  where master_record_id is not null
),

links as (
  select
    'person' as left_kind,
    contact_id as left_id,
    'account' as right_kind,
    account_id as right_id,
    told_at,
    since,
    until,
    which as suffix
  from memberships
  union all
  select kind, winner, kind, id, max(told_at), null, null, '@' || ms(max(told_at))
  from merged
  where winner <> id
  group by all
  union all
  select 'person', sf_id(id), 'lead', sf_id(id), created_date, null, null, ''
  from lead
  union all
  select
    'person', sf_id(converted_contact_id), 'lead', sf_id(id), coalesce(day_start(converted_date), system_modstamp, created_date), null, null, ''
  from lead
  where truth(is_converted) and converted_contact_id is not null
  union all
  select 'person', email_id(address), 'person', person_id, told_at, null, null, ''
  from addresses
  where
    getvariable('link_by_email')
    and contains(address, '@')
    and address not in (select mailbox from mailboxes)
    and split_part(address, '@', 1) || '@' not in (select mailbox from mailboxes)
)

select
  left_kind || ':' || left_id || '+' || right_kind || ':' || right_id || suffix as id,
  instant(told_at) as time,
  'link' as op,
  {'kind': left_kind, 'id': left_id} as "left",
  {'kind': right_kind, 'id': right_id} as "right",
  since,
  until
from links
order by id
