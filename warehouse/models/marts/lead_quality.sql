-- grain: one row per pass of a lead with an MQL that a rule judges
WITH judged AS (
    SELECT lead_id, pass_no, mql_at, mql_on, rule_no, event_no FROM core.lead_judged
),

rule AS (
    SELECT rule_no, rule_id, min_score, required, segments, channels FROM core.lead_quality_rule
),

pass AS (
    SELECT lead_id, pass_no, segment, segment_folded, channel, channel_folded, exit FROM core.lead_pass
),

accepted AS (
    SELECT lead_id, pass_no FROM core.lead_entry WHERE stage = 'sal'
),

event AS (
    SELECT
        lead_id, event_no, score, attributes,
        {
            'lead_id': lead_id, 'person_id': person_id, 'account_id': account_id, 'deal_id': deal_id, 'owner': owner, 'team': team,
            'reason': reason, 'score': score, 'rule_version': rule_version
        } AS field
    FROM core.lead_event
),

required AS (
    SELECT lead_id, pass_no, place, name
    FROM judged
    JOIN (
        SELECT rule_no, unnest(required) AS name, generate_subscripts(required, 1) AS place FROM rule
    ) USING (rule_no)
),

missing AS (
    SELECT lead_id, pass_no, list(name ORDER BY place) AS names
    FROM required
    JOIN judged USING (lead_id, pass_no)
    JOIN event USING (lead_id, event_no)
    WHERE coalesce(
        CASE
            WHEN starts_with(name, 'attributes.')
                THEN json_extract_string(attributes, '/' || replace(replace(substr(name, 12), '~', '~0'), '/', '~1'))
            WHEN name = 'score' THEN field.score::VARCHAR
            WHEN name = 'lead_id' THEN field.lead_id
            WHEN name = 'person_id' THEN field.person_id
            WHEN name = 'account_id' THEN field.account_id
            WHEN name = 'deal_id' THEN field.deal_id
            WHEN name = 'owner' THEN field.owner
            WHEN name = 'team' THEN field.team
            WHEN name = 'reason' THEN field.reason
            WHEN name = 'rule_version' THEN field.rule_version
        END,
        ''
    ) = ''
    GROUP BY ALL
),

tested AS (
    SELECT
        judged.*, rule_id, pass.segment, pass.channel, pass.exit, accepted.lead_id IS NOT NULL AS is_accepted,
        list_concat(
            if(score IS NULL AND min_score IS NOT NULL OR score < min_score, ['score'], []::VARCHAR[]),
            coalesce(missing.names, []::VARCHAR[]),
            if(NOT list_contains(segments, coalesce(segment_folded, '(none)')), ['segment'], []::VARCHAR[]),
            if(NOT list_contains(channels, coalesce(channel_folded, '(none)')), ['channel'], []::VARCHAR[])
        ) AS failed
    FROM judged
    JOIN rule USING (rule_no)
    JOIN event USING (lead_id, event_no)
    JOIN pass USING (lead_id, pass_no)
    LEFT JOIN missing USING (lead_id, pass_no)
    LEFT JOIN accepted USING (lead_id, pass_no)
),

final AS (
    SELECT
        lead_id, pass_no, mql_at, mql_on, rule_id, len(failed) = 0 AS is_qualified, failed,
        CASE WHEN is_accepted THEN 'accepted' ELSE coalesce(exit, 'none') END AS answer,
        channel, segment
    FROM tested
)

SELECT * FROM final
