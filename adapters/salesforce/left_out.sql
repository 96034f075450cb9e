-- Grain: one row per reason for which rows of the source become no event.
select left_out as reason, count(*) as rows from deal_states where left_out is not null group by all
union all
select 'history rows of opportunities that the export does not have', count(*)
from opportunity_history
anti join opportunities on opportunities.deal_id = sf_id(opportunity_id)
union all
select 'deleted history rows of opportunities that are not deleted', count(*)
from opportunity_history as h
inner join opportunities as o on o.deal_id = sf_id(h.opportunity_id)
where o.is_current and truth(h.is_deleted) and not o.is_deleted
union all
select 'leads that were deleted before they were converted', count(*) from lead where truth(is_deleted) and not truth(is_converted)
union all
select 'changes of status of leads that the export does not have', count(*)
from lead_history
anti join leads on leads.lead_id = sf_id(lead_history.lead_id)
where lower(field) = 'status'
union all
select 'changes of a lead to ' || coalesce(new_value, 'no status') || ', which lead_statuses do not name', count(*)
from lead_history
inner join leads on leads.lead_id = sf_id(lead_history.lead_id)
anti join map_lead_statuses on key = new_value
where lower(field) = 'status'
group by new_value
union all
select 'leads without a CreatedDate', count(*) from leads where created_date is null
union all
select 'conversions without a date', count(*) from leads where is_converted and converted_at is null
union all
select left_out, count(*) from touches where left_out is not null group by all
union all
select left_out, count(*) from costs where left_out is not null group by all
union all
select 'deleted campaigns', count(*) from campaigns where is_deleted
union all
select 'budgets below zero', count(*) from campaigns where not is_deleted and budget < 0
union all
select 'budgets in ' || currency || ', which is no currency: add it to currencies', count(*)
from campaigns
where not is_deleted and budget >= 0 and digits is null
group by currency
union all
select 'ends of campaigns before they begin', count(*) from campaigns where not is_deleted and ends_on < starts_on
union all
select left_out, count(*) from rates where left_out is not null group by all
