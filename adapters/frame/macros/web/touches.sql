-- The visits of a relation of visits that count: where the pages are those of one application (`spa`), which keeps the first referrer on every
-- page, a page with no more than that referrer is none within 30 minutes after another visit of the same visitor.
CREATE MACRO touches(seen) AS TABLE
SELECT * FROM query_table(seen) WHERE NOT getvariable('spa')
UNION ALL
SELECT * EXCLUDE (before) FROM spa_visits(seen) WHERE NOT coalesce(rule = 'referrer' AND happened - before <= INTERVAL 30 MINUTE, false)
