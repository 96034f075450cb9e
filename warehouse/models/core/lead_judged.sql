-- grain: one row per pass of a lead with an MQL that both teams have a rule for: the event that is judged, and the rule
WITH entry AS (
    SELECT lead_id, pass_no, entered_at AS mql_at FROM core.lead_entry WHERE stage = 'mql' AND NOT is_inferred
),

clock AS (
    SELECT starts_at, offset_us FROM core.clock
),

dated AS (
    SELECT lead_id, pass_no, mql_at, marts.local_day(mql_at, offset_us) AS mql_on FROM entry ASOF JOIN clock ON mql_at >= starts_at
),

first_event AS (
    SELECT lead_id, pass_no, occurred_at AS mql_at, min(event_no) AS event_no FROM core.lead_event WHERE stage = 'mql' GROUP BY ALL
),

rule AS (
    SELECT coalesce(valid_from, DATE '0001-01-01') AS valid_from, max(rule_no) AS rule_no FROM core.lead_quality_rule GROUP BY ALL
),

final AS (
    SELECT dated.*, event_no, rule.rule_no
    FROM dated
    JOIN first_event USING (lead_id, pass_no, mql_at)
    ASOF JOIN rule ON dated.mql_on >= rule.valid_from
)

SELECT * FROM final
