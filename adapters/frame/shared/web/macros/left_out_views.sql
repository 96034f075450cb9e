-- Grain: one row per reason for which page views become no touch: those of a relation of pages, and those of its visits that spa leaves out.
CREATE MACRO left_out_views(pages, seen) AS TABLE
WITH judged AS (
    SELECT
        count(*) FILTER (rule = 'inside') AS inside,
        count(*) FILTER (rule = 'bot') AS bots,
        count(*) FILTER (rule = 'nobody') AS nobody,
        count(*) FILTER (rule = 'incomplete') AS incomplete
    FROM judged_pages(pages)
)

SELECT
    unnest(
        ['internal or excluded referrer', 'bots', 'pages of nobody: neither a visitor nor a person', 'pages without an id or a time']
    ) AS reason,
    unnest([inside, bots, nobody, incomplete]) AS rows
FROM judged
UNION ALL
SELECT 'pages of a single-page application that keep a referrer', count(*)
FROM spa_visits(seen)
WHERE is_kept_referrer
