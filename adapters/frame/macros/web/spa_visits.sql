-- The visits of a relation of visits, each with the instant of the visitor's visit before; none where pages load by themselves.
CREATE MACRO spa_visits(seen) AS TABLE
SELECT *, lag(happened) OVER (PARTITION BY coalesce('v:' || visitor_id, 'p:' || person_id) ORDER BY happened, id) AS before
FROM query_table(seen)
WHERE getvariable('spa')
