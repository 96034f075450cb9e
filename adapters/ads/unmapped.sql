-- Grain: one row per account without a currency, or platform where rows name no account; and per kind of campaign without a channel.
select 'account_currencies' as setting, coalesce(account_id, platform) as value, sum(rows) as rows
from costs
where currency is null and campaign_id is not null
group by all
union all
select 'channels', platform || '/' || kind, count(*)
from campaigns
where channel is null
group by all
