-- Grain: one row per assumption under which rows were kept.
select 'rows without a cost, which count as 0' as reason, count(*) as rows
from costs
where is_empty
union all
select 'campaigns without a name, named by their id', count(*)
from campaigns
where name is null
union all
select 'campaigns of Google Ads, whose kind the report does not say: channel paid_other', count(*)
from campaigns
where platform = 'google_ads' and channel = 'paid_other'
