-- Grain: one row per e-mail event; `reason` says why it is no touch, null: it is one.
--
-- The recipient's address, unreadably, is the person: contacts are linked with their addresses, and no merge ever changes an event.
-- Where addresses are not linked, the person is the contact that has the address after all merges.
with contacts as (
  select address, arg_min(coalesce(into_id, contact_id), (length(coalesce(into_id, contact_id)), coalesce(into_id, contact_id))) as contact_id
  from contact_address
  left join contact_stand_in on merged_id = contact_id
  group by all
),

events as (
  select
    hs_id(id) as event_id,
    lower(type) as type,
    created,
    lower(trim(recipient)) as address,
    email_campaign_id,
    truth(filtered_event) as is_bot,
    coalesce(obsoleted_by_id, 'null') <> 'null' and not regexp_matches(obsoleted_by_id, '"id": ?null') as is_obsolete
  from email_event
  where id is not null
),

known as (
  select
    events.*,
    if(
      getvariable('link_by_email')
      and events.address not in (select mailbox from shared_mailbox)
      and split_part(events.address, '@', 1) || '@' not in (select mailbox from shared_mailbox),
      email_id(events.address),
      contacts.contact_id
    ) as person_id
  from events
  left join contacts using (address)
)

select
  event_id,
  'email_' || type as kind,
  created,
  if(email_campaign_id is null, null, hs_id(email_campaign_id)) as campaign_id,
  person_id,
  case
    when type not in ('click', 'open') then 'e-mail events that are neither clicks nor opens'
    when type = 'open' and not getvariable('email_opens') then 'opened e-mails (email_opens = false)'
    when is_bot then 'clicks and opens of programs (filtered_event)'
    when is_obsolete then 'e-mail events that another one replaces'
    when created is null then 'e-mail events without a time'
    when person_id is null then 'clicks and opens of nobody that is known'
  end as reason
from known
