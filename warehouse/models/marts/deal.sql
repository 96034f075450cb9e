-- grain: one row per deal, whatever became of it
WITH course AS (
    SELECT deal_id, opened_at, opened_on, closed_at, closed_on, cycle_us FROM core.deal_course
),

account AS (
    SELECT account_id, name FROM core.account
),

campaign AS (
    SELECT campaign_id, counts_for FROM core.campaign
),

touch AS (
    SELECT
        deal_id, ordinal, touched_at, touched_on, channel, team, actor,
        coalesce(counts_for, journey_touch.campaign_id, '(none)') AS campaign_id
    FROM core.journey_touch
    LEFT JOIN campaign USING (campaign_id)
    WHERE journey = 'default'
),

-- whoever is known by name takes part; a browser that nobody claimed may be anybody's
journey AS (
    SELECT
        deal_id,
        count(*) AS touches,
        count_if(team = 'marketing') AS marketing_touches,
        count(DISTINCT actor) FILTER (NOT starts_with(actor, 'visitor:')) AS people,
        min(touched_at) AS first_touched_at,
        min(touched_on) AS first_touched_on,
        arg_min(channel, ordinal) AS first_channel,
        arg_min(campaign_id, ordinal) AS first_campaign_id,
        arg_max(channel, ordinal) AS last_channel,
        arg_max(campaign_id, ordinal) AS last_campaign_id,
        list_sort(list(DISTINCT campaign_id) FILTER (campaign_id <> '(none)')) AS campaign_ids
    FROM touch
    GROUP BY deal_id
),

final AS (
    SELECT
        deal_id, coalesce(deal.name, deal_id) AS deal_name, account_id, coalesce(account.name, account_id) AS account_name,
        deal.status, deal.stage, deal.loss_reason, deal.currency, deal.amount, deal.amount_reporting,
        coalesce(deal.segment, '(none)') AS segment, coalesce(deal.region, '(none)') AS region,
        coalesce(deal.deal_type, '(none)') AS deal_type, coalesce(deal.product, '(none)') AS product,
        coalesce(deal.owner, '(none)') AS owner, coalesce(deal.lead_source, '(none)') AS lead_source,
        COLUMNS('^is_.*$'),
        course.opened_on, course.closed_on,
        course.cycle_us / 86400000000 AS cycle_days,
        (epoch_us(course.closed_at) - epoch_us(journey.first_touched_at)) / 86400000000 AS days_from_first_touch,
        coalesce(journey.touches, 0) AS touches, coalesce(journey.marketing_touches, 0) AS marketing_touches,
        coalesce(journey.people, 0) AS people,
        journey.first_touched_on,
        coalesce(COLUMNS(journey.* EXCLUDE (
            deal_id, touches, marketing_touches, people, first_touched_at, first_touched_on, campaign_ids
        )), '(unattributed)'),
        coalesce(journey.campaign_ids, []) AS campaign_ids
    FROM core.deal AS deal
    JOIN core.deal_flag USING (deal_id)
    JOIN course USING (deal_id)
    LEFT JOIN account USING (account_id)
    LEFT JOIN journey USING (deal_id)
)

SELECT * FROM final
