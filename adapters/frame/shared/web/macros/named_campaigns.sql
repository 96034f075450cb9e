-- The one advertising campaign of a platform that has a name, where the ads' reports lie beside the pages.
CREATE MACRO named_campaigns() AS TABLE
WITH campaigns AS (
    SELECT platform, lower(trim(campaign_name)) AS name, campaign_id FROM url_report
    UNION ALL
    SELECT platform, lower(trim(campaign_name)), campaign_id FROM campaign_report
)

SELECT platform, name, platform || ':' || min(campaign_id) AS campaign_id
FROM campaigns
WHERE name IS NOT NULL AND platform IS NOT NULL
GROUP BY platform, name
HAVING count(DISTINCT campaign_id) = 1
