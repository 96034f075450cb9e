-- Grain: one row per row of a platform's report, whatever the platform, with what becomes of it (`fate`).
--
-- Lakes that append hold a row again for each time it was read: of one segment of a day, the newest counts. Rows of one segment, one stamp
-- and different figures are segments that nobody told us of, and all count. Where two tools brought one platform, one of them counts.
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
    day || '|' || segment as segment,
    (cost::decimal(28, 9) * factor::decimal(7, 6))::decimal(38, 15) as amount,
    nullif(trim(currency), '') as currency,
    impressions::decimal(38, 9) as impressions,
    clicks::decimal(38, 9) as clicks,
    moment(stamp) as stamp
  from together
),

ranked as (
  select
    *,
    max(tool) over (partition by platform) as best_tool,
    rank() over (partition by platform, tool, account_id, campaign_id, member_id, segment order by stamp desc nulls last) as age,
    row_number() over (partition by all_columns order by 1) as copy
  from (
    select *, (platform, tool, account_id, campaign_id, member_id, segment, amount, currency, impressions, clicks, stamp) as all_columns
    from valued
  )
)

select
  * exclude (best_tool, age, copy, all_columns),
  case
    when tool <> best_tool then 'doubled'
    when coalesce(campaign_id, member_id) is null or day is null then 'nameless'
    when age > 1 then 'replaced'
    when copy > 1 then 'repeated'
    else 'counts'
  end as fate
from ranked
