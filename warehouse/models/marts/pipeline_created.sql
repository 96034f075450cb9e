-- grain: one row per period of creation, dimension, kind of dimension and model
WITH period AS (
    SELECT DISTINCT
        marts.month_of(day) AS month, period_kind, period, starts_on AS period_start, ends_on AS period_end
    FROM core.period
),

campaign AS (
    SELECT campaign_id, counts_for, name FROM core.campaign
),

deal AS (
    SELECT deal_id, coalesce(segment, '(none)') AS segment FROM core.deal
),

line AS (
    SELECT
        marts.month_of(created_on) AS month, model, deal_id, ordinal IS NULL AS is_unattributed, campaign_id, channel, team,
        amount_reporting, weight
    FROM core.pipeline_credit
),

created AS (
    SELECT
        month, model, segment,
        if(is_unattributed, '(unattributed)', coalesce(counts_for, line.campaign_id, '(none)')) AS campaign,
        if(is_unattributed, '(unattributed)', channel) AS channel,
        if(is_unattributed, '(unattributed)', coalesce(team, '(none)')) AS team,
        sum(amount_reporting) AS pipeline, sum(weight) AS deals
    FROM line
    JOIN deal USING (deal_id)
    LEFT JOIN campaign ON campaign.campaign_id = line.campaign_id
    GROUP BY ALL
),

by_month AS (
    SELECT month, model, campaign, channel, team, segment, sum(pipeline) AS pipeline, sum(deals) AS deals
    FROM created
    GROUP BY GROUPING SETS ((month, model, campaign), (month, model, channel), (month, model, team), (month, model, segment))
),

-- none of them is ever null: what is null here was not grouped by
dimensioned AS (
    SELECT
        month, model, pipeline, deals,
        CASE
            WHEN campaign IS NOT NULL THEN 'campaign'
            WHEN channel IS NOT NULL THEN 'channel'
            WHEN team IS NOT NULL THEN 'team'
            ELSE 'segment'
        END AS dimension_kind,
        coalesce(campaign, channel, team, segment) AS dimension
    FROM by_month
),

in_period AS (
    SELECT
        period_kind, period, period_start, period_end, dimension_kind, dimension, model,
        coalesce(sum(pipeline), 0) AS pipeline, sum(deals) AS deals
    FROM dimensioned
    JOIN period USING (month)
    GROUP BY ALL
),

final AS (
    SELECT
        in_period.*, coalesce(if(dimension_kind = 'campaign', campaign.name, NULL), dimension) AS dimension_name,
        marts.percent(pipeline, sum(pipeline) OVER (PARTITION BY period_kind, period, dimension_kind, model)) AS share_pct
    FROM in_period
    LEFT JOIN campaign ON campaign.campaign_id = dimension
)

SELECT * FROM final
