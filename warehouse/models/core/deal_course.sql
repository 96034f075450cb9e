-- grain: one row per deal: when it began and ended, and what it is worth
WITH deal AS (
    SELECT
        deal_id, account_id, status, nullif(owner, '') AS owner, segment, opened_at, opened_on, closed_at, closed_on, amount, amount_reporting,
        status <> 'open' AS is_closed,
        is_closed AND closed_at < opened_at AS is_closed_before_opened
    FROM core.deal
),

final AS (
    SELECT
        deal_id, account_id, status, owner, segment,
        if(is_closed_before_opened, closed_at, opened_at) AS opened_at,
        if(is_closed_before_opened, closed_on, opened_on) AS opened_on,
        if(is_closed, closed_at, NULL) AS closed_at,
        if(is_closed, closed_on, NULL) AS closed_on,
        if(is_closed AND NOT is_closed_before_opened, epoch_us(deal.closed_at) - epoch_us(deal.opened_at), if(is_closed, 0, NULL)) AS cycle_us,
        if(amount IS NULL, 0, amount_reporting) AS worth
    FROM deal
)

SELECT * FROM final
