-- grain: one row per period, model and deal that has revenue or its close in it
WITH period AS (
    SELECT DISTINCT
        marts.month_of(day) AS month, period_kind, period, starts_on AS period_start, ends_on AS period_end
    FROM core.period
),

account AS (
    SELECT account_id, name FROM core.account
),

deal AS (
    SELECT
        deal_id, coalesce(deal.name, deal_id) AS deal_name, account_id, coalesce(account.name, account_id) AS account_name, status,
        coalesce(deal.segment, '(none)') AS segment, coalesce(deal.region, '(none)') AS region,
        coalesce(deal_type, '(none)') AS deal_type, coalesce(product, '(none)') AS product, coalesce(deal.owner, '(none)') AS owner,
        coalesce(lead_source, '(none)') AS lead_source, opened_on, closed_on,
        COLUMNS('^is_.*$')
    FROM core.deal AS deal
    JOIN core.deal_flag USING (deal_id)
    LEFT JOIN account USING (account_id)
),

in_period AS (
    SELECT
        period_kind, period, period_start, period_end, model, deal_id,
        sum(COLUMNS('^(won_revenue|won_deals|attributed|attributed_deals)$'))
    FROM core.deal_month
    JOIN period USING (month)
    GROUP BY ALL
),

final AS (
    SELECT * FROM in_period JOIN deal USING (deal_id)
)

SELECT * FROM final
