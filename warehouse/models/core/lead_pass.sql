-- grain: one row per pass of a lead that has a stage: what brought it, whose it is, and how it ended
WITH event AS (
    SELECT lead_id, pass_no, event_no, occurred_at, stage, is_exit, reason, account_id, deal_id FROM core.lead_event
),

deal AS (
    SELECT lead_id, pass_no, deal_id, named_last, is_of_pass, opened FROM core.lead_deal
),

lead AS (
    SELECT lead_id, person_id, only_account, segment, segment_folded, owner, team FROM core.lead_about
),

account AS (
    SELECT id AS account_id, account_id AS canonical_id FROM core.identity WHERE kind = 'account'
),

agreement AS (
    SELECT lookback_days FROM core.agreement
),

stage AS (
    SELECT lead_id, pass_no, min(entered_at) AS entered_at, max(entered_at) AS last_entered_at, max(stage_rank) AS highest
    FROM core.lead_entry
    GROUP BY ALL
),

told AS (
    SELECT
        lead_id, pass_no, min(occurred_at) AS begun_at, arg_max(account_id, event_no) AS named_account,
        max(event_no) FILTER (is_exit) AS exit_no
    FROM event
    GROUP BY ALL
),

left_by AS (
    SELECT lead_id, pass_no, event_no AS exit_no, stage AS exit, occurred_at AS exit_at, reason AS exit_reason FROM event
),

named AS (
    SELECT lead_id, pass_no, arg_max(deal_id, named_last) AS deal_id FROM deal GROUP BY ALL
),

preexisting AS (
    SELECT DISTINCT lead_id, pass_no
    FROM deal
    JOIN told USING (lead_id, pass_no)
    WHERE is_of_pass AND opened < begun_at
),

gathered AS (
    SELECT
        stage.*, lead.*, coalesce(account.canonical_id, named_account, only_account) AS account_id, named.deal_id,
        preexisting.lead_id IS NOT NULL AS is_preexisting,
        COLUMNS('^(exit|exit_at|exit_reason)$')
    FROM stage
    JOIN told USING (lead_id, pass_no)
    JOIN lead USING (lead_id)
    LEFT JOIN account ON account.account_id = named_account
    LEFT JOIN named USING (lead_id, pass_no)
    LEFT JOIN preexisting USING (lead_id, pass_no)
    LEFT JOIN left_by USING (lead_id, pass_no, exit_no)
),

touched AS (
    SELECT gathered.*, touch.occurred_at AS touched_at, touch.channel, touch.channel_folded, touch.campaign_id
    FROM gathered
    ASOF LEFT JOIN core.lead_touch AS touch ON touch.person_id = gathered.person_id AND touch.occurred_at <= gathered.entered_at
),

final AS (
    SELECT
        lead_id, pass_no, entered_at, highest, person_id, account_id, segment, segment_folded, owner, team, deal_id, is_preexisting,
        touched_at >= entered_at - to_days(lookback_days) AS is_brought,
        if(is_brought, coalesce(channel, '(none)'), '(none)') AS channel,
        if(is_brought, channel_folded, NULL) AS channel_folded,
        if(is_brought, coalesce(campaign_id, '(none)'), '(none)') AS campaign_id,
        if(exit_at >= last_entered_at, exit, NULL) AS exit,
        if(exit_at >= last_entered_at, exit_at, NULL) AS exit_at,
        if(exit_at >= last_entered_at, exit_reason, NULL) AS exit_reason
    FROM touched
    CROSS JOIN agreement
)

SELECT * FROM final
