-- What a `utm_source` is: shopping, video, social, search or ai, by name or host.
CREATE MACRO source_categories() AS TABLE
WITH known AS (
    SELECT source, category, 0 AS rank FROM web_sources
    UNION ALL
    SELECT host, category, CASE category WHEN 'ai' THEN 1 WHEN 'social' THEN 2 ELSE 3 END FROM web_hosts WHERE NOT contains(host, '{}')
    UNION ALL
    SELECT regexp_replace(host, '^www\.', ''), category, 4 FROM web_hosts WHERE starts_with(host, 'www.')
)

SELECT source, arg_min(category, rank) AS category FROM known GROUP BY source
