-- revenue / cost; null where marts.roi(revenue, cost) is.
CREATE OR REPLACE MACRO marts.roas(revenue, cost) AS CASE WHEN cost > 0 THEN revenue / cost END
