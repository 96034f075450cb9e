-- Grain: one row per page view of a relation, with the reason why it is a touch or is none: `rule`.
--
-- A relation of pages has: id, happened, visitor_id, person_id, url, referrer, user_agent, utm_source, utm_medium, utm_campaign, utm_content,
-- utm_term, utm_id; and what the source itself knows: paid_click (a channel), paid_platform, is_internal, referrer_category.
-- Each row is judged by itself, by the first rule that holds: nothing to judge; a program; nobody; a paid click; a tagged link; no referrer
-- at all; a referrer inside or left out by the settings; any other referrer. A page's own host is inside, whatever the settings say.
CREATE MACRO judged_pages(pages) AS TABLE
WITH read_pages AS NOT MATERIALIZED (
    SELECT *, url_query(url) AS query, url_host(referrer) AS referrer_host FROM query_table(pages)
),

tagged AS NOT MATERIALIZED (
    SELECT
        * EXCLUDE (utm_source, utm_medium, utm_campaign, utm_content, utm_term, utm_id, paid_click, paid_platform),
        coalesce(utm_source, query_value(query, 'utm_source')) AS utm_source,
        coalesce(utm_medium, query_value(query, 'utm_medium')) AS utm_medium,
        coalesce(utm_campaign, query_value(query, 'utm_campaign')) AS utm_campaign,
        coalesce(utm_content, query_value(query, 'utm_content')) AS utm_content,
        coalesce(utm_term, query_value(query, 'utm_term')) AS utm_term,
        coalesce(utm_id, query_value(query, 'utm_id')) AS utm_id,
        coalesce(paid_click, click_channel(query)) AS paid_click,
        coalesce(paid_platform, click_platform(query)) AS paid_platform
    FROM read_pages
),

judged AS NOT MATERIALIZED (
    SELECT
        tagged.*,
        coalesce(utm_source, utm_medium, utm_campaign, utm_content, utm_term, utm_id) IS NOT NULL AS is_tagged,
        coalesce(nullif(verdict, 'other'), referrer_category) AS referrer_is,
        coalesce(is_internal, false)
        OR coalesce(verdict IN ('internal', 'excluded'), false)
        OR coalesce(regexp_replace(referrer_host, '^www\.', '') = regexp_replace(url_host(url), '^www\.', ''), false) AS is_inside
    FROM tagged
    LEFT JOIN host_verdicts(pages) AS verdicts ON verdicts.host = referrer_host
)

SELECT
    *,
    CASE
        WHEN id IS NULL OR happened IS NULL THEN 'incomplete'
        WHEN is_bot(user_agent) THEN 'bot'
        WHEN visitor_id IS NULL AND person_id IS NULL THEN 'nobody'
        WHEN paid_click IS NOT NULL THEN 'click'
        WHEN is_tagged THEN 'link'
        WHEN is_inside THEN 'inside'
        WHEN referrer_host IS NULL THEN 'direct'
        ELSE 'referrer'
    END AS rule
FROM judged
