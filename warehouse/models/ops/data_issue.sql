-- grain: one row per finding: a kind and what it is about
WITH campaign AS (
    SELECT * FROM ledger.current_campaign
),

spend AS (
    SELECT *, coalesce(spend_id, concat_ws('|', campaign_id, starts_on, ends_on)) AS register_id FROM ledger.current_spend
),

account AS (
    SELECT * FROM ledger.current_account
),

deal AS (
    SELECT * FROM ledger.current_deal
),

adjustment AS (
    SELECT * FROM ledger.current_adjustment
),

link AS (
    SELECT *, list_sort([left_kind || ':' || left_id, right_kind || ':' || right_id]) AS pair FROM ledger.current_identity
),

rate AS (
    SELECT * FROM ledger.current_fx
),

-- every event about a register: what decides which of them counts, before source and id
registered AS (
    SELECT 'campaign' AS about, campaign_id AS key, 0 AS revision, occurred_at, 0 AS rank, source, event_id, content_hash FROM campaign
    UNION ALL
    SELECT 'spend', source || '|' || register_id, revision, occurred_at, 0, source, event_id, content_hash FROM spend
    UNION ALL
    SELECT 'account', account_id, revision, occurred_at, 0, source, event_id, content_hash FROM account
    UNION ALL
    SELECT
        'deal', deal_id, revision, occurred_at, CASE WHEN deleted THEN 3 WHEN status = 'won' THEN 2 WHEN status = 'lost' THEN 1 ELSE 0 END,
        source, event_id, content_hash
    FROM deal
    UNION ALL
    SELECT 'adjustment', adjustment_id, 0, occurred_at, 0, source, event_id, content_hash FROM adjustment
    UNION ALL
    SELECT 'identity', array_to_string(pair, ' – '), 0, occurred_at, 0, source, event_id, hash(op, since, until) FROM link
    UNION ALL
    SELECT 'fx', concat_ws('|', base, quote, date), 0, occurred_at, 0, source, event_id, content_hash FROM rate
),

-- what a later event decides is decided
decisive AS (
    SELECT * FROM registered
    QUALIFY rank() OVER (PARTITION BY about, registered.key ORDER BY revision DESC, occurred_at DESC, registered.rank DESC) = 1
),

tie AS (
    SELECT
        'tie' AS kind, about || ' ' || key AS key,
        format('Events about one {} have the same time and say different things: only their ids decide which of them counts. '
            || 'Send the right one again with a later time.', about) AS sentence,
        list(source || '/' || event_id ORDER BY source, event_id) AS events
    FROM decisive
    GROUP BY about, decisive.key
    HAVING count(DISTINCT content_hash) > 1
),

stale AS (
    SELECT
        'stale_revision' AS kind, about || ' ' || key AS key,
        format('Later events about this {} have no revision, and an earlier one has: that one counts. '
            || 'Send revisions always, or never.', about) AS sentence,
        list(source || '/' || event_id ORDER BY source, event_id) AS events
    FROM (
        SELECT *, max_by(occurred_at, (revision, occurred_at)) OVER one AS counts_since, max(revision) OVER one AS highest
        FROM registered
        WHERE about IN ('spend', 'account', 'deal')
        WINDOW one AS (PARTITION BY about, registered.key)
    )
    WHERE revision = 0 AND highest > 0 AND occurred_at > counts_since
    GROUP BY about, key
),

two_sources AS (
    SELECT
        'two_sources' AS kind, campaign_id AS key,
        format('Campaign {} is described by {}: the latest event counts, whoever sent it. Let one of them describe it; '
            || 'if they mean two campaigns, give them two ids.',
            campaign_id, string_agg(DISTINCT source, ' and ' ORDER BY source)) AS sentence,
        list(source || '/' || event_id ORDER BY source, event_id) AS events
    FROM campaign
    GROUP BY campaign_id
    HAVING count(DISTINCT source) > 1
),

latest_spend AS (
    SELECT * FROM spend
    QUALIFY row_number() OVER (
        PARTITION BY source, spend_id IS NULL, register_id ORDER BY revision DESC, occurred_at DESC, event_id DESC
    ) = 1
),

-- rows with a spend_id are finer than campaign and day, and lie beside each other; one without lies over them
overlapping AS (
    SELECT
        'overlapping_spend' AS kind, source || '|' || campaign_id AS key,
        format('Costs of campaign {} from {} cover days that other costs of it cover, the first on {}: all of them count. '
            || 'Send a correction with the days of what it corrects, or give every row a spend_id.',
            campaign_id, source, min(starts_on)) AS sentence,
        list(source || '/' || event_id ORDER BY source, event_id) AS events
    FROM (
        SELECT
            *,
            max(ends_on) OVER before AS any_end,
            max(ends_on) FILTER (spend_id IS NULL) OVER before AS plain_end
        FROM latest_spend
        WINDOW before AS (
            PARTITION BY source, campaign_id ORDER BY starts_on, ends_on, spend_id NULLS FIRST, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
    WHERE starts_on <= CASE WHEN spend_id IS NULL THEN any_end ELSE plain_end END
    GROUP BY source, campaign_id
),

current_state AS (
    SELECT * FROM core.deal_history
    QUALIFY row_number() OVER (PARTITION BY deal_id ORDER BY state_no DESC) = 1
),

dated AS (
    SELECT 'touch time' AS what, source, event_id FROM ledger.current_touch WHERE occurred_at > now()
    UNION ALL
    SELECT 'lead stage time', source, event_id FROM ledger.current_lead_stage WHERE occurred_at > now()
    UNION ALL
    SELECT about || ' time', source, event_id FROM registered WHERE occurred_at > now()
    UNION ALL
    SELECT 'deal close', source, event_id FROM current_state WHERE status <> 'open' AND closed_at > now()
    UNION ALL
    SELECT 'adjustment effect', source, event_id FROM core.entry WHERE entry = 'adjustment' AND booked_at > now()
),

future AS (
    SELECT
        'future_dated' AS kind, what AS key,
        format('Events have a {} that is still to come: they count from then on, in periods that have not begun. '
            || 'Look at the clock and the time zone of their source.', what) AS sentence,
        list(source || '/' || event_id ORDER BY source, event_id) AS events
    FROM dated
    GROUP BY what
),

label AS (
    SELECT field, lower(regexp_replace(trim(label), '\s+', ' ', 'g')) AS label, name FROM core.label
),

touch AS (
    SELECT channel, kind, referrer FROM ledger.current_touch AS touch
    ANTI JOIN ledger.current_retraction AS gone ON gone.touch_source = touch.source AND gone.touch_id = touch.event_id
),

-- labels as sources write them, and as figures show them: those of events that were corrected or taken back are in no figure
written AS (
    SELECT DISTINCT 'channel' AS field, channel AS label FROM touch
    UNION
    SELECT DISTINCT 'kind', kind FROM touch
    UNION
    SELECT DISTINCT 'channel', channel FROM campaign
    UNION
    SELECT
        unnest(['stage', 'deal_type', 'segment', 'region', 'product', 'lead_source']),
        unnest([stage, deal_type, segment, region, product, lead_source])
    FROM (SELECT DISTINCT stage, deal_type, segment, region, product, lead_source FROM deal)
    UNION
    SELECT unnest(['segment', 'region']), unnest([segment, region]) FROM (SELECT DISTINCT segment, region FROM account)
),

shown AS (
    SELECT written.field, coalesce(name, written.label) AS label
    FROM written
    LEFT JOIN label ON label.field = written.field AND label.label = lower(written.label)
    WHERE written.field IN ('channel', 'kind')
    UNION
    SELECT 'campaign_type', campaign_type FROM core.campaign
    UNION
    SELECT
        unnest(['stage', 'deal_type', 'segment', 'region', 'product', 'lead_source', 'loss_reason']),
        unnest([stage, deal_type, segment, region, product, lead_source, loss_reason])
    FROM (SELECT DISTINCT stage, deal_type, segment, region, product, lead_source, loss_reason FROM core.deal)
    UNION
    SELECT unnest(['segment', 'region']), unnest([segment, region]) FROM (SELECT DISTINCT segment, region FROM core.account)
),

variants AS (
    SELECT
        'label_variants' AS kind, field || ' ' || lower(replace(label, ' ', '')) AS key,
        format('The {} is written {}: figures keep them apart. Write it in one way, or give both one name in [labels.{}].',
            field, string_agg(DISTINCT '''' || label || '''', ' and ' ORDER BY '''' || label || ''''), field) AS sentence,
        NULL::VARCHAR[] AS events
    FROM shown
    WHERE label IS NOT NULL
    GROUP BY field, lower(replace(label, ' ', ''))
    HAVING count(DISTINCT label) > 1
),

no_amount AS (
    SELECT
        'no_amount' AS kind, held.deal_id AS key,
        format('Deal {} is won and nobody entered an amount: its revenue is unknown and in no figure. Enter it in the CRM.', held.deal_id)
            AS sentence,
        [current_state.source || '/' || current_state.event_id] AS events
    FROM ops.held AS held
    JOIN current_state USING (deal_id)
    WHERE held.kind = 'deal' AND held.reason = 'no_amount'
),

no_account AS (
    SELECT
        'no_account' AS kind, deal_id AS key,
        format('Deal {} belongs to no company: it has an account of its own, with its contacts. Give it its company in the CRM.', deal_id)
            AS sentence,
        [current_state.source || '/' || current_state.event_id] AS events
    FROM core.deal AS booked
    JOIN current_state USING (deal_id)
    SEMI JOIN (SELECT source, event_id FROM deal WHERE account_id IS NULL) AS alone
        ON alone.source = current_state.source AND alone.event_id = current_state.event_id
    WHERE booked.account_id LIKE 'deal:%'
),

unknown AS (
    SELECT
        'unknown_field' AS kind, event_type || ' ' || field AS key,
        format('Records of {} had a field {} that nisba does not know, {} until now: it is kept nowhere. Is it misspelt?',
            event_type, field, records)
            AS sentence,
        NULL::VARCHAR[] AS events
    FROM ops.unknown_field
),

cycle AS (
    SELECT
        'campaign_cycle' AS kind, counted.counts_for AS key,
        format('Campaigns name each other in same_as: all of them count for {}. Let one of them name none.', counted.counts_for)
            AS sentence,
        list(DISTINCT campaign.source || '/' || campaign.event_id ORDER BY campaign.source || '/' || campaign.event_id) AS events
    FROM core.campaign AS counted
    JOIN campaign USING (campaign_id)
    WHERE
        campaign.same_as IS NOT NULL
        AND counted.counts_for IN (SELECT campaign_id FROM core.campaign WHERE same_as IS NOT NULL AND counts_for = campaign_id)
    GROUP BY counted.counts_for
),

parent_cycle AS (
    SELECT
        'parent_cycle' AS kind, parent.circle_id AS key,
        format('Campaigns are parts of each other by parent_id: {} stands above the others, and is a part of none. '
            || 'Let one of them name another parent, or none.', parent.circle_id) AS sentence,
        list(DISTINCT campaign.source || '/' || campaign.event_id ORDER BY campaign.source || '/' || campaign.event_id) AS events
    FROM core.campaign_parent AS parent
    JOIN campaign USING (campaign_id)
    WHERE parent.circle_id IS NOT NULL AND campaign.parent_id IS NOT NULL
    GROUP BY parent.circle_id
),

host AS (
    SELECT DISTINCT rtrim(regexp_replace(regexp_replace(
        regexp_extract(lower(referrer), '^(?:(?:[a-z][a-z0-9+.-]*:)?//)?([^/?#]*)', 1), '^.*@', ''), ':[0-9]*$', ''), '.') AS host
    FROM touch
    WHERE referrer IS NOT NULL
),

-- what a setting is compared with: maps with what sources write, everything else with what comes of it
occurring AS (
    SELECT true AS is_map, field, replace(lower(label), 'ß', 'ss') AS label FROM written
    UNION
    SELECT false, field, replace(lower(label), 'ß', 'ss') FROM shown
),

unused AS (
    SELECT
        'unused_setting' AS kind, setting || ' ' || value AS key,
        format('{} of nisba.toml names {}, and no fact has it: is it misspelt?', setting, value) AS sentence,
        NULL::VARCHAR[] AS events
    FROM core.named_setting AS setting
    ANTI JOIN occurring
        ON occurring.is_map = starts_with(setting.setting, 'labels.')
        AND occurring.field = setting.field
        AND occurring.label = setting.label
    WHERE
        setting.field <> 'referrer'
        OR setting.label NOT IN (
            SELECT named.label FROM core.named_setting AS named JOIN host ON host = named.label OR ends_with(host, '.' || named.label)
        )
),

final AS (
    FROM tie
    UNION ALL FROM stale
    UNION ALL FROM two_sources
    UNION ALL FROM overlapping
    UNION ALL FROM future
    UNION ALL FROM variants
    UNION ALL FROM no_amount
    UNION ALL FROM no_account
    UNION ALL FROM unknown
    UNION ALL FROM cycle
    UNION ALL FROM parent_cycle
    UNION ALL FROM unused
)

SELECT kind, key, sentence, len(events) AS event_count, events[:10] AS events FROM final
