-- Grain: one row per line of `same_as` whose campaign is none of a relation of campaigns.
CREATE MACRO same_as_nothing(campaigns) AS TABLE
SELECT 'lines of same_as whose campaign is not here: ' || key AS reason, count(*) AS rows
FROM map_same_as
ANTI JOIN query_table(campaigns) AS known ON key = platform || ':' || campaign_id
GROUP BY key
