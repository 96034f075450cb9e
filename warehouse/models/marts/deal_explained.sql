-- grain: one row per deal, model and touch with a weight; unattributed deals have one row per model
WITH credit AS (
    SELECT * FROM core.credit
),

model AS (
    SELECT model, rule FROM core.model
),

deal AS (
    SELECT deal_id, name AS deal_name FROM core.deal
),

account AS (
    SELECT account_id, name AS account_name FROM core.account
),

-- what is said of the touch, and its weight, is the same in all entries of the deal
explained AS (
    SELECT
        model, deal_id, ordinal,
        any_value(COLUMNS('^(account_id|journey_length|touched_at|touch_source|touch_id|campaign_id|channel|kind|team|position)$')),
        any_value(weight) AS share,
        sum(revenue_reporting) FILTER (is_final) AS revenue_reporting,
        list(
            {
                'entry_no': entry_no, 'entry': entry, 'booked_at': booked_at, 'currency': currency, 'amount': entry_amount,
                'credit': revenue, 'credit_reporting': revenue_reporting, 'source': entry_source, 'event_id': entry_event_id
            }
            ORDER BY entry_no
        ) AS entries
    FROM credit
    GROUP BY model, deal_id, ordinal
),

-- nothing is null in the books; a reader of the marts reads why there is nothing
named AS (
    SELECT
        model, deal_id, ordinal, account_id, journey_length, touched_at, touch_source, touch_id, share, revenue_reporting, entries,
        if(ordinal = 0, '(unattributed)', channel) AS channel,
        coalesce(COLUMNS('^(campaign_id|kind|team|position)$'), if(ordinal = 0, '(unattributed)', '(none)'))
    FROM explained
),

final AS (
    SELECT named.*, model.rule, deal.deal_name, account.account_name
    FROM named
    JOIN model USING (model)
    JOIN deal USING (deal_id)
    LEFT JOIN account USING (account_id)
)

SELECT * FROM final
