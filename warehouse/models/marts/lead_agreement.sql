-- grain: one row per period, rule and segment
WITH calendar AS (
    SELECT period_kind, period, period_start, period_end, month FROM core.calendar WHERE period_kind <> 'ttm'
),

judged AS (
    SELECT
        lead_id, pass_no, rule_id, is_qualified, marts.month_of(mql_on) AS month,
        if(answer IN ('rejected', 'recycled'), 'rejected', answer) AS answer
    FROM marts.lead_quality
),

segment AS (
    SELECT lead_id, pass_no, segment_kind, segment FROM core.lead_segment
),

counted AS (
    SELECT
        period_kind, period, period_start, period_end, rule_id, segment_kind, segment,
        count_if(is_qualified AND answer = 'accepted') AS qualified_accepted,
        count_if(is_qualified AND answer = 'rejected') AS qualified_rejected,
        count_if(NOT is_qualified AND answer = 'accepted') AS unqualified_accepted,
        count_if(NOT is_qualified AND answer = 'rejected') AS unqualified_rejected,
        count_if(answer = 'none') AS unanswered
    FROM judged
    JOIN segment USING (lead_id, pass_no)
    JOIN calendar USING (month)
    GROUP BY ALL
),

final AS (
    SELECT
        *,
        qualified_accepted + qualified_rejected + unqualified_accepted + unqualified_rejected AS answered,
        if(answered > 0, 100 * (qualified_accepted + unqualified_rejected) / answered, NULL) AS agreement_pct
    FROM counted
)

SELECT * FROM final
