-- grain: one row per model, deal, touch and entry; a deal without touches has unattributed rows
WITH setting AS (
    SELECT fiscal_year_start_month AS start_month FROM core.setting
),

credit AS (
    SELECT
        model, deal_id, account_id, deal_status, segment, opened_on, closed_on, entry_no, entry, booked_on, is_final, ordinal,
        journey_length, touch_source, touch_id, touched_on, position, channel, kind, team, campaign_key AS campaign_id, weight,
        revenue_reporting
    FROM core.credit
),

deal AS (
    SELECT deal_id, name, region, deal_type, product, lead_source FROM core.deal
),

flag AS (
    SELECT * FROM core.deal_flag
),

account AS (
    SELECT account_id, name FROM core.account
),

campaign AS (
    SELECT campaign_id, name FROM core.campaign
),

final AS (
    SELECT
        model, deal_id, coalesce(deal.name, deal_id) AS deal_name, deal_status,
        account_id, coalesce(account.name, account_id) AS account_name,
        segment, coalesce(COLUMNS('^(region|deal_type|product|lead_source)$'), '(none)'),
        COLUMNS('^is_(sourced_.*|influenced|coverage)$'),
        opened_on, closed_on, closed_on - opened_on AS days_to_close,
        entry_no, entry, booked_on,
        strftime(booked_on, '%Y-%m') AS booked_month,
        marts.period_name('quarter', marts.month_of(booked_on), start_month) AS booked_quarter,
        split_part(booked_quarter, '-', 1) AS booked_year,
        ordinal, journey_length, touch_source, touch_id, touched_on,
        coalesce(nullif(position, ''), if(ordinal = 0, '(unattributed)', '(none)')) AS position,
        if(ordinal = 0, '(unattributed)', channel) AS channel,
        coalesce(kind, if(ordinal = 0, '(unattributed)', '(none)')) AS kind,
        coalesce(team, '(unattributed)') AS team,
        campaign_id, coalesce(campaign.name, campaign_id) AS campaign_name,
        booked_on - touched_on AS days_to_booking,
        weight,
        if(is_final, revenue_reporting, 0) AS revenue,
        if(is_final, 0, revenue_reporting) AS pipeline
    FROM credit
    JOIN deal USING (deal_id)
    JOIN flag USING (deal_id)
    LEFT JOIN account USING (account_id)
    LEFT JOIN campaign USING (campaign_id)
    JOIN setting ON true
)

SELECT * FROM final
