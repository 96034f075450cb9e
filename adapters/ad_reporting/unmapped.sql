-- Grain: one row per account without a currency, and per platform without a channel.
select 'account_currencies' as setting, coalesce(account_id, platform) as value, count(*) as rows
from costs
where currency is null
group by all
union all
select 'channels', platform, count(*)
from campaigns
where channel is null
group by all
