-- grain: one row per rule, deal and event that shows it
WITH rule AS (
    SELECT rule, version AS rule_version FROM core.exception_rule WHERE is_enabled
),

agreement AS (
    SELECT exceptions_since FROM core.agreement
),

deal AS (
    SELECT deal_id, owner, segment, worth FROM core.deal_course
),

clock AS (
    SELECT starts_at, offset_us FROM core.clock
),

-- of a deal its whole worth is at risk, of an entry its amount, of a discount what was given away beyond the agreed
found AS (
    SELECT rule, deal_id, occurred_at, source, event_id, detail, worth AS money_at_risk FROM core.state_flag JOIN deal USING (deal_id)
    UNION ALL
    SELECT rule, deal_id, occurred_at, source, event_id, detail, if(rule = 'discount', excess_reporting, worth)
    FROM core.deal_finding
    JOIN deal USING (deal_id)
    UNION ALL
    SELECT rule, deal_id, occurred_at, source, event_id, detail, money_at_risk FROM core.entry_flag
),

dated AS (
    SELECT found.*, marts.local_day(occurred_at, offset_us) AS occurred_on FROM found ASOF JOIN clock ON occurred_at >= starts_at
),

final AS (
    SELECT
        concat_ws(':', rule, deal_id, event_id) AS exception_id, rule, rule_version, deal_id, owner, segment, occurred_at, occurred_on,
        money_at_risk, detail, source, event_id
    FROM dated
    JOIN rule USING (rule)
    JOIN deal USING (deal_id)
    CROSS JOIN agreement
    WHERE exceptions_since IS NULL OR occurred_on >= exceptions_since
)

SELECT * FROM final
