-- grain: one row per person and instant: the touch of that instant which may have brought the person's lead
WITH agreement AS (
    SELECT excluded_kinds, excluded_channels FROM core.agreement
),

node AS (
    SELECT DISTINCT kind AS node_kind, id AS node_id, person_id FROM core.identity WHERE person_id IS NOT NULL AND kind IN ('person', 'visitor')
),

wanted AS (
    SELECT DISTINCT person_id FROM core.identity WHERE kind = 'lead' AND person_id IS NOT NULL
),

retracted AS (
    SELECT touch_source AS source, touch_id AS event_id FROM ledger.current_retraction
),

channel AS (
    SELECT label AS channel, name AS channel_name, folded AS channel_folded FROM core.label_name WHERE field = 'channel'
),

kind AS (
    SELECT label AS kind, folded AS kind_folded FROM core.label_name WHERE field = 'kind'
),

touch AS (
    SELECT
        source, event_id, occurred_at, channel, kind, campaign_id,
        if(coalesce(person_id, '') <> '', 'person', 'visitor') AS node_kind, coalesce(nullif(person_id, ''), visitor_id) AS node_id
    FROM ledger.current_touch
    ANTI JOIN retracted USING (source, event_id)
    WHERE marts.is_within_bounds(occurred_at)
),

campaign AS (
    SELECT label AS campaign_id, coalesce(counts_for, label) AS counts_for
    FROM core.label_name
    LEFT JOIN core.campaign ON core.campaign.campaign_id = label
    WHERE field = 'campaign' AND label_name.name IS NOT NULL
),

final AS (
    SELECT
        person_id, occurred_at,
        arg_max_null(channel_name, (source, event_id)) AS channel,
        arg_max_null(channel_folded, (source, event_id)) AS channel_folded,
        arg_max_null(counts_for, (source, event_id)) AS campaign_id
    FROM touch
    JOIN node USING (node_kind, node_id)
    JOIN wanted USING (person_id)
    JOIN channel USING (channel)
    JOIN kind USING (kind)
    LEFT JOIN campaign ON campaign.campaign_id = touch.campaign_id
    CROSS JOIN agreement
    WHERE NOT list_contains(excluded_kinds, kind_folded) AND NOT list_contains(excluded_channels, channel_folded)
    GROUP BY person_id, occurred_at
)

SELECT * FROM final
