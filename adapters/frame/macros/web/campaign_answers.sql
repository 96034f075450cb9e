-- The campaign of a source, a campaign and a content by the firm's own table; an empty cell of the table fits everything, the fullest row counts.
-- Two campaigns for one row are an error: nobody can know which.
CREATE MACRO campaign_answers() AS TABLE
SELECT
    coalesce(lower(trim(source)), '') || chr(31) || coalesce(lower(trim(campaign)), '') || chr(31) || coalesce(lower(trim(content)), '') AS tag,
    CASE
        WHEN count(DISTINCT trim(campaign_id)) = 1 THEN min(trim(campaign_id))
        ELSE error('campaign_map: two campaigns for ' || any_value(coalesce(source, '') || '/' || coalesce(campaign, '') || '/' || coalesce(content, '')))
    END AS campaign_id
FROM campaign_map
WHERE trim(campaign_id) <> ''
GROUP BY ALL
