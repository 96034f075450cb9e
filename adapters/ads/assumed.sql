-- Grain: one row per assumption under which rows were kept.
select 'rows without a cost, which count as 0' as reason, sum(empty_rows) as rows
from costs
where campaign_id is not null
union all
select 'costs that name no account, in the one currency of their platform''s accounts', sum(rows)
from costs
where is_assumed and campaign_id is not null
union all
select 'campaigns without a name, named by their id', count(*)
from campaigns
where name is null
union all
select 'campaigns of Google Ads of an unknown kind: channel paid_other', count(*)
from campaigns
where platform = 'google_ads' and channel = 'paid_other' and coalesce(kind, 'UNKNOWN') in ('UNKNOWN', 'UNSPECIFIED')
