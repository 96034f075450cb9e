-- Grain: one row per page view of a relation, with the reason why it is a touch or is none: `rule`.
--
-- A relation of pages has: id, happened, visitor_id, person_id, url, referrer, user_agent, utm_source, utm_medium, utm_campaign, utm_content,
-- utm_term, utm_id; and what the source itself knows: paid_click (a channel), paid_platform, is_internal, referrer_category.
-- Each row is judged by itself, by the first rule that holds: nothing to judge; a program; nobody; a paid click; a tagged link; no referrer
-- at all; a referrer inside or left out by the settings; any other referrer. A page's own host is inside, whatever the settings say.
CREATE MACRO judged_pages(pages) AS TABLE
WITH agents AS (
    SELECT user_agent, is_bot(user_agent) AS is_bot
    FROM (SELECT DISTINCT user_agent FROM query_table(pages))
),

read_pages AS NOT MATERIALIZED (
    SELECT *, url_query(url) AS query, url_host(referrer) AS referrer_host, url_host(url) AS own_host FROM query_table(pages)
),

known AS NOT MATERIALIZED (
    SELECT
        read_pages.* EXCLUDE (is_internal, referrer_category, paid_click, paid_platform),
        coalesce(agents.is_bot, false) AS is_bot,
        coalesce(paid_click, click_channel(query)) AS paid_click,
        coalesce(paid_platform, click_platform(query)) AS paid_platform,
        coalesce(utm_source, utm_medium, utm_campaign, utm_content, utm_term, utm_id) IS NOT NULL
        OR coalesce(contains(query, 'utm_') AND regexp_matches(query, '(?:^|[&;])utm_(?:source|medium|campaign|content|term|id)=[^&]'), false) AS is_tagged,
        coalesce(nullif(verdict, 'other'), referrer_category) AS referrer_is,
        coalesce(is_internal, false)
        OR coalesce(verdict IN ('internal', 'excluded'), false)
        OR coalesce(referrer_host <> '' AND without_www(referrer_host) = without_www(own_host), false) AS is_inside
    FROM read_pages
    LEFT JOIN host_verdicts(pages) AS verdicts ON verdicts.host = referrer_host
    LEFT JOIN agents ON agents.user_agent = read_pages.user_agent
)

SELECT
    * EXCLUDE (user_agent),
    id IS NOT NULL
    AND happened IS NOT NULL
    AND NOT is_bot
    AND (visitor_id IS NOT NULL OR person_id IS NOT NULL)
    AND (paid_click IS NOT NULL OR is_tagged OR NOT is_inside) AS is_visit,
    CASE
        WHEN id IS NULL OR happened IS NULL THEN 'incomplete'
        WHEN is_bot THEN 'bot'
        WHEN visitor_id IS NULL AND person_id IS NULL THEN 'nobody'
        WHEN paid_click IS NOT NULL THEN 'click'
        WHEN is_tagged THEN 'link'
        WHEN is_inside THEN 'inside'
        WHEN coalesce(referrer_host, '') = '' THEN 'direct'
        ELSE 'referrer'
    END AS rule
FROM known
