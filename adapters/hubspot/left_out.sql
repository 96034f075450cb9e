-- Grain: one row per reason for which rows of HubSpot become no event.
select 'deals without a stage' as reason, count(*) as rows
from deal_now
where dealstage is null and deal_id not in (select merged_id from deal_merge)
union all
select 'deals without a time of creation', count(*)
from deal_now
where dealstage is not null and createdate is null
union all
select 'merged deals of which the export holds neither side', count(*)
from deal_merge
where merged_id not in (select deal_id from deal_now) and into_id not in (select deal_id from deal_now)
union all
select 'states of deals before their first known stage, or before versions that HubSpot no longer tells', count(*)
from deal_history
where not is_known
union all
select 'changes of deals that merges made or unmade', count(*)
from deal_property_history
where
  name in ('dealstage', 'amount', 'closedate', 'deal_currency_code')
  and (hs_id(deal_id) in (select merged_id from deal_merge) or hs_id(deal_id) in (select into_id from deal_merge))
union all
select 'changes of deals that the export does not hold', count(*)
from deal_property_history
where
  name in ('dealstage', 'amount', 'closedate', 'deal_currency_code')
  and hs_id(deal_id) not in (select deal_id from deal_now)
  and hs_id(deal_id) not in (select merged_id from deal_merge)
  and hs_id(deal_id) not in (select into_id from deal_merge)
union all
select 'states of deals in ' || currency || ', which is no currency: add it to currencies', count(*)
from deal_state
where dealstage is not null and amount is not null and minor_digits(currency) is null
group by all
union all
select 'lifecycle stages that lifecycle_stages does not name: ' || value, count(*)
from lead_change
where name = 'lifecyclestage' and stage is null and value not in ('subscriber', 'evangelist', 'other')
group by all
union all
select 'lead statuses that lead_statuses does not name: ' || value, count(*)
from lead_change
where name = 'hs_lead_status' and stage is null
group by all
union all
select 'lifecycle stages that are no stage of a lead (subscriber, evangelist, other)', count(*)
from lead_change
where name = 'lifecyclestage' and stage is null and value in ('subscriber', 'evangelist', 'other')
union all
select 'forms without a contact or a time', count(*)
from contact_form_submission
where contact_id is null or timestamp is null
union all
select 'forms that another contact sent too', count(*) - count(distinct conversion_id)
from form_sender
union all
select reason, count(*)
from email_touch
where reason is not null
group by all
union all
select 'meetings that are not said to be completed (meeting_outcome)', count(distinct engagement_id)
from engagement_touch
where not is_held and not is_deleted
union all
select 'meetings and calls without a contact or a time', count(*)
from engagement_touch
where is_held and not is_deleted and (contact_id is null or occurred_at is null)
union all
select 'costs of campaigns without a first day', count(*)
from campaign_cost
where spend is not null and starts_on is null
union all
select 'costs of campaigns in ' || currency || ', which is no currency: add it to currencies', count(*)
from campaign_cost
where spend is not null and starts_on is not null and minor_digits(currency) is null
group by all
