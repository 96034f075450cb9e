-- grain: one row per lead: who and whose it is, by its latest event that says so
WITH event AS (
    SELECT lead_id, event_no, pass_no, occurred_at, owner, team, account_id, deal_id, segment_label FROM core.lead_event
),

label AS (
    SELECT label AS segment_label, name AS segment, folded AS segment_folded
    FROM core.label_name
    WHERE field = 'lead_segment' AND name IS NOT NULL
),

node AS (
    SELECT id AS lead_id, any_value(person_id) AS person_id, count(DISTINCT account_id) AS accounts, min(account_id) AS only_account
    FROM core.identity
    WHERE kind = 'lead'
    GROUP BY id
),

account AS (
    SELECT id AS account_id, account_id AS canonical_id FROM core.identity WHERE kind = 'account'
),

deal AS (
    SELECT deal_id, segment AS deal_segment, label.folded AS deal_segment_folded
    FROM core.deal
    LEFT JOIN (SELECT label, folded FROM core.label_name WHERE field = 'segment') AS label ON label.label = core.deal.segment
),

latest AS (
    SELECT
        lead_id, max(pass_no) AS passes, min(occurred_at) AS first_at,
        arg_max(owner, event_no) AS owner, arg_max(team, event_no) AS team, arg_max(account_id, event_no) AS named_account,
        arg_max(segment, event_no) AS own_segment, arg_max(segment_folded, event_no) AS own_folded,
        arg_max(deal.deal_id, event_no) AS deal_id
    FROM event
    LEFT JOIN label USING (segment_label)
    LEFT JOIN deal USING (deal_id)
    GROUP BY lead_id
),

final AS (
    SELECT
        lead_id, passes, first_at, node.person_id,
        coalesce(account.canonical_id, named_account, if(node.accounts = 1, node.only_account, NULL)) AS account_id,
        if(node.accounts = 1, node.only_account, NULL) AS only_account,
        coalesce(own_segment, deal_segment) AS segment, coalesce(own_folded, deal_segment_folded) AS segment_folded, owner, team
    FROM latest
    LEFT JOIN node USING (lead_id)
    LEFT JOIN account ON account.account_id = named_account
    LEFT JOIN deal USING (deal_id)
)

SELECT * FROM final
