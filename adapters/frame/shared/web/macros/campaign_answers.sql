-- The campaign of a source, a campaign and a content by the firm's own table; an empty source or content fits everything, the fullest row counts.
-- Two campaigns for one row are an error: nobody can know which.
CREATE MACRO campaign_answers() AS TABLE
SELECT
    coalesce(lower(trim(source)), '') || chr(31) || coalesce(lower(trim(campaign)), '') || chr(31) || coalesce(lower(trim(content)), '') AS tag,
    CASE
        WHEN any_value(nullif(trim(campaign), '')) IS NULL THEN error('campaign_map: the row for ' || any_value(trim(campaign_id)) || ' names no campaign')
        WHEN count(DISTINCT trim(campaign_id)) = 1 THEN min(trim(campaign_id))
        ELSE error('campaign_map: two campaigns for ' || any_value(coalesce(source, '') || '/' || coalesce(campaign, '') || '/' || coalesce(content, '')))
    END AS campaign_id
FROM campaign_map
WHERE trim(campaign_id) <> ''
GROUP BY ALL
