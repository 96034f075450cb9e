-- Grain: one row per page view of a relation, with its channel and campaign, or the reason why it is no touch.
--
-- A relation of pages has: id, happened, visitor_id, person_id, url, referrer, user_agent, utm_source, utm_medium, utm_campaign, utm_content,
-- utm_term, utm_id; and where the source itself knows: paid_click (a channel), is_internal, referrer_category.
-- Each row is judged by itself, by the first rule that holds: a program; a paid click; a tagged link; a referrer; none at all, which is direct.
CREATE MACRO visits(pages) AS TABLE
WITH read_pages AS NOT MATERIALIZED (
    SELECT *, url_query(url) AS query, url_host(referrer) AS referrer_host FROM query_table(pages)
),

tagged AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (utm_source, utm_medium, utm_campaign, utm_content, utm_term, utm_id, paid_click),
        coalesce(utm_source, query_value(query, 'utm_source')) AS utm_source,
        coalesce(utm_medium, query_value(query, 'utm_medium')) AS utm_medium,
        coalesce(utm_campaign, query_value(query, 'utm_campaign')) AS utm_campaign,
        coalesce(utm_content, query_value(query, 'utm_content')) AS utm_content,
        coalesce(utm_term, query_value(query, 'utm_term')) AS utm_term,
        coalesce(utm_id, query_value(query, 'utm_id')) AS utm_id,
        coalesce(paid_click, click_channel(query)) AS paid_click
    FROM read_pages
),

lowered AS NOT MATERIALIZED (
    SELECT
        *,
        nullif(lower(trim(utm_source)), '') AS source,
        nullif(lower(trim(utm_medium)), '') AS medium,
        lower(not_placeholder(utm_campaign)) AS campaign,
        coalesce(lower(trim(utm_content)), '') AS content,
        coalesce(utm_source, utm_medium, utm_campaign, utm_content, utm_term, utm_id) IS NOT NULL AS is_tagged
    FROM tagged
),

answers AS (
    SELECT lower(trim(key)) AS pair, min(value) AS channel FROM map_channels GROUP BY ALL
),

judged AS NOT MATERIALIZED (
    SELECT
        lowered.*,
        CASE
            WHEN is_bot(user_agent) THEN 'bot'
            WHEN visitor_id IS NULL AND person_id IS NULL THEN 'nobody'
            WHEN paid_click IS NOT NULL THEN 'click'
            WHEN is_tagged THEN 'link'
            WHEN referrer_host IS NULL AND NOT coalesce(is_internal, false) THEN 'direct'
            WHEN coalesce(is_internal, false)
            OR verdict IN ('internal', 'excluded')
            OR referrer_host = url_host(url)
            OR regexp_replace(referrer_host, '^www\.', '') = regexp_replace(url_host(url), '^www\.', '') THEN 'inside'
            ELSE 'referrer'
        END AS rule,
        coalesce(nullif(verdict, 'other'), referrer_category) AS referrer_is,
        source_categories.category AS source_is
    FROM lowered
    LEFT JOIN host_verdicts(pages) AS verdicts ON verdicts.host = referrer_host
    LEFT JOIN source_categories() AS source_categories ON source_categories.source = lowered.source
),

channels AS NOT MATERIALIZED (
    SELECT
        judged.*,
        CASE rule
            WHEN 'click' THEN paid_click
            WHEN 'direct' THEN 'direct'
            WHEN 'link' THEN coalesce(of_link.channel, default_channel(judged.source, medium, campaign, source_is))
            WHEN 'referrer' THEN coalesce(
                of_host.channel,
                CASE referrer_is
                    WHEN 'search' THEN 'organic_search'
                    WHEN 'social' THEN 'organic_social'
                    WHEN 'mail' THEN 'email'
                    WHEN 'ai' THEN 'ai_assistant'
                    ELSE 'referral'
                END
            )
        END AS channel
    FROM judged
    LEFT JOIN answers AS of_link ON of_link.pair = coalesce(judged.source, '(none)') || '/' || coalesce(medium, '(none)')
    LEFT JOIN answers AS of_host ON of_host.pair = referrer_host || '/referral'
),

campaigns AS NOT MATERIALIZED (
    SELECT
        channels.*,
        CASE
            WHEN NOT is_tagged AND query IS NULL THEN NULL
            ELSE coalesce(
                exact.campaign_id,
                of_campaign.campaign_id,
                of_content.campaign_id,
                of_name.campaign_id,
                sf_id(nullif(regexp_extract(utm_campaign, '(?:^|[^A-Za-z0-9])(701[A-Za-z0-9]{15}|701[A-Za-z0-9]{12})(?:[^A-Za-z0-9]|$)', 1), '')),
                coalesce(platform_of(channels.source), click_platform(query)) || ':' || nullif(regexp_extract(utm_id, '^[0-9]+$'), ''),
                'google_ads:' || nullif(regexp_extract(query_value(query, 'gad_campaignid'), '^[0-9]+$'), ''),
                coalesce(platform_of(channels.source), platform_of(query_value(query, 'hsa_net')))
                || ':' || nullif(regexp_extract(query_value(query, 'hsa_cam'), '^[0-9]+$'), ''),
                of_address.campaign_id,
                of_ad.campaign_id,
                'utm:' || left(campaign, 252)
            )
        END AS campaign_id
    FROM channels
    LEFT JOIN campaign_answers() AS exact ON exact.tag = channels.source || chr(31) || campaign || chr(31) || content
    LEFT JOIN campaign_answers() AS of_campaign ON of_campaign.tag = channels.source || chr(31) || campaign || chr(31)
    LEFT JOIN campaign_answers() AS of_content ON of_content.tag = chr(31) || campaign || chr(31) || content
    LEFT JOIN campaign_answers() AS of_name ON of_name.tag = chr(31) || campaign || chr(31)
    LEFT JOIN addressed_campaigns() AS of_address ON of_address.name = campaign
    LEFT JOIN named_campaigns() AS of_ad ON of_ad.platform = platform_of(channels.source) AND of_ad.name = campaign
)

SELECT
    id,
    happened,
    visitor_id,
    person_id,
    rule,
    channel,
    campaign_id,
    without_query(url) AS url,
    without_query(referrer) AS referrer,
    struct_pack(campaign := utm_campaign, content := utm_content, medium := utm_medium, source := utm_source, term := utm_term) AS utm
FROM campaigns
