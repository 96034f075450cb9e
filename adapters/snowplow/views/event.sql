-- Grain: one row per event, with the word NULL and what only stands in for a value read as nothing.
select
  event_id as id,
  lower(said(event)) as type,
  case when lower(said(event)) in ('struct', 'se') then coalesce(said(se_action), said(event_name)) else coalesce(said(event_name), said(event)) end as name,
  moment(coalesce(said(derived_tstamp), said(collector_tstamp))) as happened,
  said(derived_tstamp) is null and said(collector_tstamp) is not null as is_collected,
  said(domain_userid) as visitor_id,
  said(user_id) as person_id,
  case
    when contains(page_url, '?') or nullif(ltrim(said(page_urlquery), '?'), '') is null then said(page_url)
    else coalesce(split_part(said(page_url), '#', 1), '') || '?' || ltrim(said(page_urlquery), '?')
  end as url,
  coalesce(said(page_referrer), '//' || said(refr_urlhost) || coalesce(said(refr_urlpath), '')) as referrer,
  said(useragent) as user_agent,
  said(mkt_source) as utm_source,
  said(mkt_medium) as utm_medium,
  said(mkt_campaign) as utm_campaign,
  said(mkt_content) as utm_content,
  said(mkt_term) as utm_term,
  null::varchar as utm_id,
  case
    when said(mkt_clickid) is null then null
    when lower(mkt_network) in ('google', 'microsoft') then 'paid_search'
    when lower(mkt_network) = 'doubleclick' then 'display'
  end as paid_click,
  case when said(mkt_clickid) is not null then case lower(mkt_network) when 'microsoft' then 'microsoft_ads' when 'google' then 'google_ads' end end
    as paid_platform,
  lower(refr_medium) = 'internal' as is_internal,
  case lower(refr_medium) when 'search' then 'search' when 'social' then 'social' when 'email' then 'mail' when 'chatbot' then 'ai' end as referrer_category
from events
