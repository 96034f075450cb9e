-- The visits of a relation of visits where the pages are those of one application (`spa`), which keeps the first referrer on every page:
-- `is_kept_referrer` where a page has no more than that within 30 minutes after another visit of the same visitor.
CREATE MACRO spa_visits(seen) AS TABLE
SELECT
    *,
    coalesce(
        rule = 'referrer'
        AND happened - lag(happened) OVER (PARTITION BY coalesce('v:' || visitor_id, 'p:' || person_id) ORDER BY happened, id)
        <= INTERVAL 30 MINUTE,
        false
    ) AS is_kept_referrer
FROM query_table(seen)
WHERE getvariable('spa')
