-- grain: one row per touch that was not taken back
WITH retracted AS (
    SELECT touch_source AS source, touch_id AS event_id FROM ledger.current_retraction
),

touch AS (
    SELECT
        source AS touch_source, event_id AS touch_id, occurred_at AS touched_at, channel, kind, team, campaign_id, url,
        utm_source, utm_medium, utm_campaign, utm_term, utm_content
    FROM ledger.current_touch
    ANTI JOIN retracted USING (source, event_id)
    WHERE marts.is_within_bounds(occurred_at)
),

clock AS (
    SELECT starts_at, offset_us FROM core.clock
),

channel AS (
    SELECT label, name FROM core.label_name WHERE field = 'channel'
),

kind AS (
    SELECT label, name FROM core.label_name WHERE field = 'kind'
),

campaign AS (
    SELECT label, name FROM core.label_name WHERE field = 'campaign'
),

in_journey AS (
    SELECT DISTINCT touch_source, touch_id FROM core.journey
),

-- a page is asked for many times: each is looked at once
page AS (
    SELECT
        url,
        rtrim(regexp_replace(regexp_replace(
            regexp_extract(lower(url), '^(?:(?:[a-z][a-z0-9+.-]*:)?//)?([^/?#]*)', 1), '^.*@', ''), ':[0-9]*$', ''), '.') AS host,
        regexp_replace(regexp_extract(url, '^(?:(?:[A-Za-z][A-Za-z0-9+.-]*:)?//)?[^/?#]*([^?#]*)', 1), '[^/]*(@|%40)[^/]*', '(address)', 'g')
            AS path
    FROM (SELECT DISTINCT url FROM touch WHERE url IS NOT NULL)
),

final AS (
    SELECT
        touch.* EXCLUDE (channel, kind, campaign_id, url), marts.local_day(touched_at, offset_us) AS day,
        channel.name AS channel, kind.name AS kind, campaign.name AS campaign_id,
        nullif(page.host, '') AS host, nullif(page.path, '') AS path,
        in_journey.touch_id IS NOT NULL AS is_in_journey
    FROM touch
    ASOF JOIN clock ON touch.touched_at >= clock.starts_at
    JOIN channel ON channel.label = touch.channel
    JOIN kind ON kind.label = touch.kind
    LEFT JOIN campaign ON campaign.label = touch.campaign_id
    LEFT JOIN page ON page.url = touch.url
    LEFT JOIN in_journey ON in_journey.touch_source = touch.touch_source AND in_journey.touch_id = touch.touch_id
)

SELECT * FROM final
