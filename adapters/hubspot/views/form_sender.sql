-- Grain: one row per form that was sent and person who sent it.
--
-- A merge moves submissions to the contact that stays, and loaders keep both: the one of the contact merged away counts, as it did before.
with submissions as (
  select
    coalesce(conversion_id, hs_id(contact_id) || '/form@' || ms(timestamp)) as conversion_id,
    hs_id(contact_id) as contact_id,
    timestamp,
    page_url,
    coalesce(contact_stand_in.into_id, hs_id(contact_id)) as person_id,
    contact_stand_in.into_id is null as is_kept
  from contact_form_submission
  left join contact_stand_in on merged_id = hs_id(contact_id)
  where contact_id is not null and timestamp is not null
)

select conversion_id, contact_id, timestamp, page_url
from submissions
qualify row_number() over (partition by conversion_id, person_id order by is_kept, length(contact_id), contact_id, moment(timestamp), page_url) = 1
