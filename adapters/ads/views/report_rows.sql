-- Grain: one row per row of a platform's report, whatever the platform, with what becomes of it (`fate`).
--
-- Lakes that append hold a row again for each time it was read: of one segment of a day, the newest counts. Rows of one segment, one stamp
-- and different figures are segments that nobody told us of, and all count. A row that was deleted counts 0, and is as new as its deletion.
-- Where two tools brought one platform, one of them counts.
with together as (
  select * from google_ads
  union all select * from facebook_ads
  union all select * from microsoft_ads
  union all select * from linkedin_ads
  union all select * from tiktok_ads
  union all select * from pinterest_ads
  union all select * from reddit_ads
  union all select * from snapchat_ads
  union all select * from twitter_ads
  union all select * from amazon_ads
  union all select * from apple_search_ads
),

valued as (
  select
    platform,
    tool,
    nullif(account_id, '') as account_id,
    nullif(campaign_id, '') as campaign_id,
    nullif(member_id, '') as member_id,
    day_of(nullif(day, '')) as day,
    md5_number(concat_ws('|', platform, tool, coalesce(account_id, ''), coalesce(campaign_id, ''), coalesce(member_id, ''), day, segment)) as segment,
    truth(is_deleted) as is_deleted,
    if(truth(is_deleted), 0, (cost::decimal(28, 9) * factor::decimal(7, 6))::decimal(38, 15)) as amount,
    nullif(trim(currency), '') as currency,
    if(truth(is_deleted) and impressions is not null, 0, impressions::decimal(38, 9)) as impressions,
    if(truth(is_deleted) and clicks is not null, 0, clicks::decimal(38, 9)) as clicks,
    moment(stamp) as stamp
  from together
),

different as (
  select *, count(*) as copies
  from valued
  group by all
),

newest as (
  select segment, max(stamp) as stamp
  from different
  group by segment
),

best as (
  select platform, max(tool) as tool
  from different
  group by platform
)

select
  different.* exclude (segment),
  case
    when different.tool <> best.tool then 'doubled'
    when coalesce(campaign_id, member_id) is null or day is null then 'nameless'
    when different.stamp is distinct from newest.stamp then 'replaced'
    else 'counts'
  end as fate
from different
inner join newest using (segment)
inner join best using (platform)
