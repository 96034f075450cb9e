-- Grain: one row per assumption under which rows of the source were kept.
--
-- A currency that the settings name is no assumption, but in an organization with several currencies, whose rows should have one.
select 'won deals without an amount: their revenue is unknown' as reason, count(*) as rows
from deal_states
where left_out is null and is_current and not is_deleted and status = 'won' and amount is null
union all
select 'deals without an account: each has one of its own', count(*)
from deal_states
where left_out is null and is_current and not is_deleted and account_id is null
union all
select 'states with an amount below zero: kept without it', count(*) from deal_states where left_out is null and is_below_zero
union all
select 'deal states without a currency: in ' || coalesce(getvariable('currency'), getvariable('reporting_currency')), count(*)
from deal_states
where left_out is null and amount is not null and currency_code is null and (getvariable('currency') is null or exists(from currency_type where not truth(is_corporate)))
union all
select 'costs without a currency: in ' || coalesce(getvariable('currency'), getvariable('reporting_currency')), count(*)
from costs
where left_out is null and has_no_currency and (getvariable('currency') is null or exists(from currency_type where not truth(is_corporate)))
union all
select 'responses to campaigns that the export does not have: channel other', count(*)
from touches
where left_out is null and is_campaign_unknown
union all
select 'campaigns of type ' || coalesce(type, '(none)') || ', which campaign_types do not name: channel other', count(*)
from campaigns
where not is_deleted and not is_known_type
group by type
