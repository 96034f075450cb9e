-- (revenue - cost) / cost; null where nothing was spent on balance, for the reason that marts.roi_reason(cost) names.
CREATE OR REPLACE MACRO marts.roi(revenue, cost) AS CASE WHEN cost > 0 THEN (revenue - cost) / cost END
