-- Grain: one row per meeting or call and contact that took part in it; contact null: nobody is known.
--
-- A merge moves these associations to the contact that stays; where both are there, that of the contact merged away counts, as it did before.
with engagements as (
  select
    hs_id(id) as engagement_id,
    'meeting' as kind,
    'outbound' as channel,
    coalesce(starts_at, occurred_at) as occurred_at,
    contacts,
    truth(is_deleted) as is_deleted,
    lower(coalesce(outcome, '')) = 'completed' as is_held
  from engagement_meeting
  union all
  select
    hs_id(id),
    'call',
    if(lower(direction) = 'inbound', 'inbound', 'outbound'),
    occurred_at,
    contacts,
    truth(is_deleted),
    true
  from engagement_call
),

takers as (
  select hs_id(engagement_id) as engagement_id, hs_id(contact_id) as contact_id
  from engagement_contact
  where not truth(is_deleted) and contact_id is not null
  union
  select engagement_id, hs_id(unnest(numbers_in(contacts)))
  from engagements
)

select
  engagements.engagement_id,
  kind,
  channel,
  coalesce(engagements.occurred_at, engagement.timestamp) as occurred_at,
  is_deleted,
  is_held,
  takers.contact_id
from engagements
left join engagement on hs_id(engagement.id) = engagements.engagement_id
left join takers on takers.engagement_id = engagements.engagement_id
left join contact_stand_in on merged_id = takers.contact_id
qualify row_number() over (
  partition by engagements.engagement_id, coalesce(contact_stand_in.into_id, takers.contact_id)
  order by contact_stand_in.into_id is null, length(takers.contact_id), takers.contact_id
) = 1
