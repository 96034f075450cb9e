-- Grain: one row per address and contact that has it, the first and the others; `is_linked`: it stands for the person, in this source and others.
with addresses as (
  select contact_id, created_at, lower(trim(email)) as address
  from contact_now
  union
  select contact_id, created_at, lower(trim(unnest(string_split(hs_additional_emails, ';'))))
  from contact_now
)

select
  contact_id,
  created_at,
  address,
  getvariable('link_by_email')
  and address not in (select mailbox from shared_mailbox)
  and split_part(address, '@', 1) || '@' not in (select mailbox from shared_mailbox) as is_linked
from addresses
where address <> ''
