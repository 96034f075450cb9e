-- The one advertising campaign whose own addresses carry a utm_campaign, where the ads' reports lie beside the pages.
CREATE MACRO addressed_campaigns() AS TABLE
WITH addresses AS (
    SELECT
        platform || ':' || campaign_id AS campaign_id,
        lower(not_placeholder(coalesce(utm_campaign, query_value(url_query(url), 'utm_campaign')))) AS name
    FROM url_report
)

SELECT name, min(campaign_id) AS campaign_id FROM addresses WHERE name IS NOT NULL GROUP BY name HAVING count(DISTINCT campaign_id) = 1
