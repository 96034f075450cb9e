-- grain: one row per field and label: what touches, leads and states of deals call things, what deals do after [labels]; campaigns of touches
WITH touch AS (
    SELECT DISTINCT channel, kind, campaign_id FROM ledger.current_touch
),

lead AS (
    SELECT DISTINCT json_extract_string(attributes, '$.segment') AS segment FROM ledger.current_lead_stage WHERE attributes IS NOT NULL
),

final AS (
    SELECT 'channel' AS field, channel AS label FROM touch
    UNION
    SELECT 'kind', kind FROM touch
    UNION
    SELECT 'campaign', campaign_id FROM touch WHERE campaign_id <> ''
    UNION
    SELECT 'lead_segment', segment FROM lead WHERE segment <> ''
    UNION
    SELECT 'segment', segment FROM core.deal WHERE segment IS NOT NULL
    UNION
    SELECT 'deal_segment', segment FROM ledger.current_deal WHERE segment <> ''
    UNION
    SELECT 'stage', stage FROM core.deal_history WHERE stage IS NOT NULL
)

SELECT * FROM final
