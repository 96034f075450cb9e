-- Grain: one row per assumption under which rows of HubSpot were kept.
select 'won without an amount: revenue unknown' as reason, count(*) as rows
from deal_state
where kind = 'now' and status = 'won' and amount is null
union all
select 'states of deals with an amount below zero: kept without it', count(*)
from deal_state
where is_below_zero
union all
select 'won or lost without a close date: closed when it changed', count(*)
from deal_state
where status in ('won', 'lost') and closedate is null
union all
select 'amounts without a currency: in ' || getvariable('reporting_currency') || ', as reported', count(*)
from deal_state
where amount is not null and is_home_currency and getvariable('currency') is null
union all
select 'deals without a company: an account of their own', count(*)
from deal_state
left join deal_link using (deal_id)
where kind = 'now' and company_id is null
union all
select 'deals with several companies and no primary one: the one of the smallest number', count(*)
from deal_state
inner join deal_link using (deal_id)
where kind = 'now' and is_one_of_several
