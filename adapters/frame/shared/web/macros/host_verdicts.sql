-- What each host that refers to the pages of a relation is, so that one look decides for all its rows: `internal` and `excluded` by the settings,
-- `ai`, `mail`, `social`, `search` by the lists, else `other`. Networks and assistants are known with all that is below them, search engines
-- under their very names: google.com is one, mail.google.com is not. `{}` in the list is a country, before or behind the name.
CREATE MACRO host_verdicts(pages) AS TABLE
WITH hosts AS (
    SELECT DISTINCT url_host(referrer) AS host FROM query_table(pages)
),

labels AS (
    SELECT host, string_split(host, '.') AS parts FROM hosts
),

parents AS (
    SELECT host, array_to_string(list_slice(parts, first, len(parts)), '.') AS parent
    FROM labels, unnest(range(1, len(parts) + 1)) AS firsts(first)
),

bare AS (
    SELECT DISTINCT host, unnest([host, regexp_replace(host, '^www[0-9]*\.', '')]) AS name FROM labels
),

names AS (
    SELECT
        host,
        unnest([name, regexp_replace(name, '(\.(com|org|net|co|it|edu))?\.[a-z]{2}$', '.{}'), regexp_replace(name, '^[a-z]{2}\.', '{}.')]) AS name
    FROM bare
),

listed AS (
    SELECT lower(trim(value)) AS listed, 'internal' AS verdict, 1 AS rank FROM list_internal_hosts
    UNION ALL
    SELECT lower(trim(value)), 'excluded', 2 FROM list_excluded_referrers
    UNION ALL
    SELECT web_hosts.host, 'ai', 3 FROM web_hosts WHERE category = 'ai'
    UNION ALL
    SELECT web_mail.host, 'mail', 4 FROM web_mail
    UNION ALL
    SELECT web_hosts.host, 'social', 5 FROM web_hosts WHERE category = 'social'
),

hits AS (
    SELECT host, verdict, rank FROM parents INNER JOIN listed ON parent = without_www(listed)
    UNION ALL
    SELECT names.host, 'search', 6 FROM names INNER JOIN web_hosts ON names.name = web_hosts.host WHERE category = 'search'
)

SELECT labels.host, coalesce(arg_min(verdict, rank), 'other') AS verdict
FROM labels
LEFT JOIN hits ON hits.host = labels.host
GROUP BY labels.host
