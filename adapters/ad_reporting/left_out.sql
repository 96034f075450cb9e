-- Grain: one row per reason for which rows of the source become no event.
select 'rows without a platform, a campaign or a day' as reason, count(*) as rows
from ad_reporting__campaign_report
where platform is null or campaign_id is null or date_day is null
union all
select 'costs in ' || currency || ', which is no currency', count(*)
from costs
where currency is not null and minor_digits(currency) is null
group by currency
union all
select 'costs in a second currency of one campaign and day', count(*)
from costs
where minor_digits(currency) is not null and not is_first_currency
union all
from same_as_nothing('campaigns')
