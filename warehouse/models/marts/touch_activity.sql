-- grain: one row per day, channel, campaign and kind of touches
WITH touch AS (
    SELECT day, channel, campaign_id, kind, is_in_journey FROM core.touch
),

campaign AS (
    SELECT campaign_id, counts_for FROM core.campaign
),

name AS (
    SELECT campaign_id, name FROM core.campaign
),

counted AS (
    SELECT
        day, channel, coalesce(counts_for, touch.campaign_id, '(none)') AS campaign_id, kind,
        count(*) AS touches, count_if(is_in_journey) AS in_journey
    FROM touch
    LEFT JOIN campaign USING (campaign_id)
    GROUP BY ALL
),

final AS (
    SELECT counted.*, coalesce(name.name, campaign_id) AS campaign_name
    FROM counted
    LEFT JOIN name USING (campaign_id)
)

SELECT * FROM final
