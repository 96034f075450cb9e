-- grain: one row per campaign_id, its latest state in register order (time, source, id)
SELECT
    campaign_id, name, channel, campaign_type, parent_id, starts_on, ends_on, budget, currency, owner, occurred_at AS changed_at
FROM ledger.current_campaign
QUALIFY row_number() OVER (PARTITION BY campaign_id ORDER BY occurred_at DESC, source DESC, event_id DESC) = 1
