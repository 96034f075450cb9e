-- Grain: one row per part of a campaign (a Facebook ad, a LinkedIn campaign) and campaign it ever was in; `is_now` where it is.
--
-- A part that moved takes the costs of all its days along: the day of the campaign that it left is told again, without them. So a day is
-- as new as the newest of its rows and of the moves of its parts: `moved_at` is when the source first told where the part is now.
with together as (
  select 'facebook_ads' as platform, id as member_id, campaign_id, null as account_id, changed, _fivetran_synced as synced
  from facebook_ads_ad_history
  union all
  select 'linkedin_ads', id, campaign_group_id, account_id, changed, _fivetran_synced
  from linkedin_ads_campaign_history
  union all
  select
    'linkedin_ads', id, regexp_extract(campaign_group, '([0-9]+)$', 1), regexp_extract(account, '([0-9]+)$', 1), changed,
    case when changed is null then _airbyte_extracted_at end
  from airbyte_linkedin_ads_campaigns
),

versions as (
  select
    platform,
    member_id,
    nullif(campaign_id, '') as campaign_id,
    nullif(account_id, '') as account_id,
    coalesce(moment(changed), moment(synced)) as changed_at,
    coalesce(moment(synced), moment(changed)) as told_at
  from together
  where member_id is not null and nullif(campaign_id, '') is not null
),

ordered as (
  select
    *,
    last_value(campaign_id) over whole as campaign_now,
    lag(campaign_id) over (partition by platform, member_id order by changed_at, told_at, campaign_id) as campaign_before
  from versions
  window whole as (
    partition by platform, member_id
    order by changed_at, told_at, campaign_id
    rows between unbounded preceding and unbounded following
  )
)

select
  platform,
  member_id,
  campaign_id,
  campaign_id = campaign_now as is_now,
  max(account_id) as account_id,
  any_value(moved_at) as moved_at
from (
  select
    *,
    max(told_at) filter (where campaign_before is distinct from campaign_id) over (partition by platform, member_id) as moved_at
  from ordered
)
group by platform, member_id, campaign_id, campaign_now
