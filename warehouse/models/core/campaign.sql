-- grain: one row per campaign_id, its latest state in register order (time, source, id)
WITH campaign AS (
    SELECT
        source, event_id, occurred_at, campaign_id, name, channel, campaign_type, parent_id, starts_on, ends_on, budget, currency, owner
    FROM ledger.campaign
),

final AS (
    SELECT * EXCLUDE (source, event_id, occurred_at), occurred_at AS changed_at
    FROM campaign
    QUALIFY row_number() OVER (PARTITION BY campaign_id ORDER BY occurred_at DESC, source DESC, event_id DESC) = 1
)

SELECT * FROM final
