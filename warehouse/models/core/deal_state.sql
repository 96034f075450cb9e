-- grain: one row per deal and state: what it says, and from when until when it is the deal's state
WITH history AS (
    SELECT
        deal_id, state_no, changed_at, status, stage, amount, closed_at, account_id, source, event_id,
        nullif(owner, '') AS owner, nullif(next_step, '') AS next_step, nullif(loss_reason, '') AS loss_reason
    FROM core.deal_history
),

fact AS (
    SELECT
        source, event_id, segment AS label, deleted,
        concat(array_to_string(contact_ids, ''), primary_contact_id) <> '' AS has_contact
    FROM ledger.current_deal
),

segment AS (
    SELECT label, name AS own_segment FROM core.label_name WHERE field = 'deal_segment'
),

stage AS (
    SELECT label AS stage, folded FROM core.label_name WHERE field = 'stage'
),

agreement AS (
    SELECT sales_stages, len(sales_stages) AS stages FROM core.agreement
),

canonical AS (
    SELECT id AS account_id, account_id AS canonical_id FROM core.identity WHERE kind = 'account'
),

account AS (
    SELECT account_id AS canonical_id, segment AS account_segment FROM core.account
),

-- a won deal is one stage further than the last that was declared; a lost one is nowhere
ranked AS (
    SELECT
        history.*,
        CASE
            WHEN stages = 0 THEN NULL
            WHEN status = 'won' THEN stages + 1
            WHEN status = 'open' THEN nullif(list_position(sales_stages, folded), 0)
        END AS stage_rank
    FROM history
    LEFT JOIN stage USING (stage)
    CROSS JOIN agreement
),

-- a higher state that is not later takes the place of a state before it ever was the deal's
final AS (
    SELECT
        ranked.* EXCLUDE (account_id),
        min(changed_at) OVER (PARTITION BY deal_id ORDER BY state_no ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS left_at,
        status IS DISTINCT FROM lag(status) OVER (PARTITION BY deal_id ORDER BY state_no) AS is_spell_start,
        coalesce(deleted, false) AS is_deleted, coalesce(has_contact, false) AS has_contact,
        coalesce(own_segment, account_segment) AS segment
    FROM ranked
    LEFT JOIN fact USING (source, event_id)
    LEFT JOIN segment USING (label)
    LEFT JOIN canonical USING (account_id)
    LEFT JOIN account ON account.canonical_id = coalesce(canonical.canonical_id, ranked.account_id)
)

SELECT * FROM final
