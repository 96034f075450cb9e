-- Grain: one row per page or screen that somebody opened, as judged_pages() reads it. RudderStack writes `$direct` where there is no referrer.
with shown as (
  select
    id,
    timestamp,
    anonymous_id,
    user_id,
    coalesce(url, context_page_url) as url,
    coalesce(referrer, context_page_referrer) as referrer,
    context_user_agent,
    context_campaign_source,
    context_campaign_medium,
    context_campaign_name,
    context_campaign_content,
    context_campaign_term,
    context_campaign_id
  from pages
  union all
  select
    id,
    timestamp,
    anonymous_id,
    user_id,
    null,
    null,
    context_user_agent,
    context_campaign_source,
    context_campaign_medium,
    context_campaign_name,
    context_campaign_content,
    context_campaign_term,
    context_campaign_id
  from screens
  union all
  select
    message_id,
    timestamp,
    anonymous_id,
    user_id,
    coalesce(properties ->> '$.url', context ->> '$.page.url'),
    coalesce(properties ->> '$.referrer', context ->> '$.page.referrer'),
    context ->> '$.userAgent',
    context ->> '$.campaign.source',
    context ->> '$.campaign.medium',
    context ->> '$.campaign.name',
    context ->> '$.campaign.content',
    context ->> '$.campaign.term',
    context ->> '$.campaign.id'
  from messages
  where lower(type) in ('page', 'screen')
)

select
  id,
  moment(timestamp) as happened,
  anonymous_id as visitor_id,
  user_id as person_id,
  url,
  nullif(nullif(referrer, '$direct'), '') as referrer,
  context_user_agent as user_agent,
  nullif(context_campaign_source, '') as utm_source,
  nullif(context_campaign_medium, '') as utm_medium,
  nullif(context_campaign_name, '') as utm_campaign,
  nullif(context_campaign_content, '') as utm_content,
  nullif(context_campaign_term, '') as utm_term,
  nullif(context_campaign_id, '') as utm_id,
  null::varchar as paid_click,
  null::varchar as paid_platform,
  null::boolean as is_internal,
  null::varchar as referrer_category
from shown
