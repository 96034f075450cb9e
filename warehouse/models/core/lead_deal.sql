-- grain: one row per pass of a lead and deal that its events name; the deal belongs to the last pass of the lead that names it
WITH named AS (
    SELECT lead_id, pass_no, deal_id, max(event_no) AS named_last FROM core.lead_event WHERE deal_id IS NOT NULL GROUP BY ALL
),

deal AS (
    SELECT
        deal_id, status, closed_at,
        if(status <> 'open' AND closed_at < opened_at, closed_at, opened_at) AS opened
    FROM core.deal
),

final AS (
    SELECT
        lead_id, pass_no, deal_id, named_last, opened, if(status = 'won', closed_at, NULL) AS won_at,
        pass_no = max(pass_no) OVER (PARTITION BY lead_id, deal_id) AS is_of_pass
    FROM named
    JOIN deal USING (deal_id)
)

SELECT * FROM final
