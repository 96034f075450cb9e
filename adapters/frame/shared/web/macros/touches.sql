-- The visits of a relation of visits that count: of the pages of one application those that have more than the referrer it keeps.
CREATE MACRO touches(seen) AS TABLE
SELECT * FROM query_table(seen) WHERE NOT getvariable('spa')
UNION ALL
SELECT * EXCLUDE (is_kept_referrer) FROM spa_visits(seen) WHERE NOT is_kept_referrer
