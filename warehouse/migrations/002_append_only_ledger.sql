-- The ledger keeps every version of an identity: `recorded_at` never moves, `superseded_at` is null while a version counts. What counted
-- at an instant T has recorded_at <= T AND (superseded_at IS NULL OR superseded_at > T).
-- Until now a version that lost was in ops.conflict alone, as canonical JSON: it becomes a row. When it was landed was not kept; it
-- gets the time of the one that won, so that it never counted, which is all that is known of it. Where it stood in the log was not kept.

ALTER TABLE ledger.touch ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.touch DROP COLUMN shard;
UPDATE ledger.touch SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.retraction ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.retraction DROP COLUMN shard;
UPDATE ledger.retraction SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.campaign ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.campaign DROP COLUMN shard;
UPDATE ledger.campaign SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.spend ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.spend DROP COLUMN shard;
UPDATE ledger.spend SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.lead_stage ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.lead_stage DROP COLUMN shard;
UPDATE ledger.lead_stage SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.deal ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.deal DROP COLUMN shard;
UPDATE ledger.deal SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.adjustment ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.adjustment DROP COLUMN shard;
UPDATE ledger.adjustment SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.identity ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.identity DROP COLUMN shard;
UPDATE ledger.identity SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.fx ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.fx DROP COLUMN shard;
UPDATE ledger.fx SET identity_hash = md5_number_lower(source || chr(31) || event_id);
ALTER TABLE ledger.erasure ADD COLUMN superseded_at TIMESTAMPTZ;
ALTER TABLE ledger.erasure DROP COLUMN shard;
UPDATE ledger.erasure SET identity_hash = md5_number_lower(source || chr(31) || event_id);

CREATE TEMP MACRO lost(type) AS TABLE
    SELECT source, event_id, dropped_time AS occurred_at, dropped AS data, dropped_hash AS content_hash,
        md5_number_lower(source || chr(31) || event_id) AS identity_hash
    FROM ops.conflict WHERE fact_type = type;

INSERT INTO ledger.touch BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.account_id, data.person_id, data.visitor_id, data.channel, data.kind, data.team, data.campaign_id, data.url,
        data.referrer, data.utm.source AS utm_source, data.utm.medium AS utm_medium, data.utm.campaign AS utm_campaign,
        data.utm.term AS utm_term, data.utm.content AS utm_content, data.attributes
    FROM (SELECT * REPLACE (from_json(data, '
            {"account_id": "VARCHAR", "person_id": "VARCHAR", "visitor_id": "VARCHAR", "channel": "VARCHAR", "kind": "VARCHAR",
            "team": "VARCHAR", "campaign_id": "VARCHAR", "url": "VARCHAR", "referrer": "VARCHAR", "utm": {"source": "VARCHAR",
            "medium": "VARCHAR", "campaign": "VARCHAR", "term": "VARCHAR", "content": "VARCHAR"}, "attributes": "JSON"}
        ') AS data) FROM lost('touch')) AS lost
    JOIN ledger.touch AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.retraction BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.touch_source, data.touch_id, data.reason
    FROM (SELECT * REPLACE (from_json(data, '
            {"touch_source": "VARCHAR", "touch_id": "VARCHAR", "reason": "VARCHAR"}
        ') AS data) FROM lost('retraction')) AS lost
    JOIN ledger.retraction AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.campaign BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.campaign_id, data.name, data.channel, data.campaign_type, data.parent_id, data.starts_on, data.ends_on, data.budget,
        data.currency, data.owner
    FROM (SELECT * REPLACE (from_json(data, '
            {"campaign_id": "VARCHAR", "name": "VARCHAR", "channel": "VARCHAR", "campaign_type": "VARCHAR", "parent_id": "VARCHAR",
            "starts_on": "DATE", "ends_on": "DATE", "budget": "DECIMAL(18, 3)", "currency": "VARCHAR", "owner": "VARCHAR"}
        ') AS data) FROM lost('campaign')) AS lost
    JOIN ledger.campaign AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.spend BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.campaign_id, data.starts_on, coalesce(data.ends_on, data.starts_on) AS ends_on, data.amount, data.currency,
        data.impressions, data.clicks, data.leads, coalesce(data.revision, 0) AS revision
    FROM (SELECT * REPLACE (from_json(data, '
            {"campaign_id": "VARCHAR", "starts_on": "DATE", "ends_on": "DATE", "amount": "DECIMAL(18, 3)", "currency": "VARCHAR",
            "impressions": "BIGINT", "clicks": "BIGINT", "leads": "BIGINT", "revision": "BIGINT"}
        ') AS data) FROM lost('spend')) AS lost
    JOIN ledger.spend AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.lead_stage BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.lead_id, data.stage, data.person_id, data.account_id, data.deal_id, data.owner, data.team, data.reason, data.score,
        data.rule_version, data.attributes
    FROM (SELECT * REPLACE (from_json(data, '
            {"lead_id": "VARCHAR", "stage": "VARCHAR", "person_id": "VARCHAR", "account_id": "VARCHAR", "deal_id": "VARCHAR",
            "owner": "VARCHAR", "team": "VARCHAR", "reason": "VARCHAR", "score": "DOUBLE", "rule_version": "VARCHAR",
            "attributes": "JSON"}
        ') AS data) FROM lost('lead_stage')) AS lost
    JOIN ledger.lead_stage AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.deal BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.deal_id, data.account_id, data.stage, data.status, data.opened_at, data.amount, data.currency, data.closed_at,
        coalesce(data.revision, 0) AS revision, data.deal_type, data.owner, data.segment, data.region, data.product, data.lead_source,
        data.list_amount, data.contact_ids, data.primary_contact_id, data.loss_reason, data.next_step,
        coalesce(data.deleted, false) AS deleted
    FROM (SELECT * REPLACE (from_json(data, '
            {"deal_id": "VARCHAR", "account_id": "VARCHAR", "stage": "VARCHAR", "status": "VARCHAR", "opened_at": "TIMESTAMPTZ",
            "amount": "DECIMAL(18, 3)", "currency": "VARCHAR", "closed_at": "TIMESTAMPTZ", "revision": "BIGINT",
            "deal_type": "VARCHAR", "owner": "VARCHAR", "segment": "VARCHAR", "region": "VARCHAR", "product": "VARCHAR",
            "lead_source": "VARCHAR", "list_amount": "DECIMAL(18, 3)", "contact_ids": ["VARCHAR"], "primary_contact_id": "VARCHAR",
            "loss_reason": "VARCHAR", "next_step": "VARCHAR", "deleted": "BOOLEAN"}
        ') AS data) FROM lost('deal')) AS lost
    JOIN ledger.deal AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.adjustment BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.adjustment_id, data.deal_id, data.amount, data.currency, data.effective_at, data.reason
    FROM (SELECT * REPLACE (from_json(data, '
            {"adjustment_id": "VARCHAR", "deal_id": "VARCHAR", "amount": "DECIMAL(18, 3)", "currency": "VARCHAR",
            "effective_at": "TIMESTAMPTZ", "reason": "VARCHAR"}
        ') AS data) FROM lost('adjustment')) AS lost
    JOIN ledger.adjustment AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.identity BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.op, data.left.kind AS left_kind, data.left.id AS left_id, data.right.kind AS right_kind, data.right.id AS right_id
    FROM (SELECT * REPLACE (from_json(data, '
            {"op": "VARCHAR", "left": {"kind": "VARCHAR", "id": "VARCHAR"}, "right": {"kind": "VARCHAR", "id": "VARCHAR"}}
        ') AS data) FROM lost('identity')) AS lost
    JOIN ledger.identity AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.fx BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.date, data.base, data.quote, data.rate
    FROM (SELECT * REPLACE (from_json(data, '
            {"date": "DATE", "base": "VARCHAR", "quote": "VARCHAR", "rate": "VARCHAR"}
        ') AS data) FROM lost('fx')) AS lost
    JOIN ledger.fx AS kept USING (identity_hash, source, event_id);

INSERT INTO ledger.erasure BY NAME
    SELECT lost.* EXCLUDE (data), kept.recorded_at, kept.recorded_at AS superseded_at,
        data.person_id, data.visitor_id, data.reason
    FROM (SELECT * REPLACE (from_json(data, '
            {"person_id": "VARCHAR", "visitor_id": "VARCHAR", "reason": "VARCHAR"}
        ') AS data) FROM lost('erasure')) AS lost
    JOIN ledger.erasure AS kept USING (identity_hash, source, event_id);

DROP MACRO TABLE lost;

-- a later migration that changes the columns of a table makes its view anew
CREATE VIEW ledger.current_touch AS SELECT * EXCLUDE (superseded_at) FROM ledger.touch WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_retraction AS SELECT * EXCLUDE (superseded_at) FROM ledger.retraction WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_campaign AS SELECT * EXCLUDE (superseded_at) FROM ledger.campaign WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_spend AS SELECT * EXCLUDE (superseded_at) FROM ledger.spend WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_lead_stage AS SELECT * EXCLUDE (superseded_at) FROM ledger.lead_stage WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_deal AS SELECT * EXCLUDE (superseded_at) FROM ledger.deal WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_adjustment AS SELECT * EXCLUDE (superseded_at) FROM ledger.adjustment WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_identity AS SELECT * EXCLUDE (superseded_at) FROM ledger.identity WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_fx AS SELECT * EXCLUDE (superseded_at) FROM ledger.fx WHERE superseded_at IS NULL;
CREATE VIEW ledger.current_erasure AS SELECT * EXCLUDE (superseded_at) FROM ledger.erasure WHERE superseded_at IS NULL;

-- a duplicate of a version that lost is known by its row in the ledger
ALTER TABLE ops.conflict DROP COLUMN dropped_hash;
DROP TABLE ops.dirty_everything;

-- a table now, made by a function; views cannot be replaced by tables
DROP VIEW IF EXISTS core.campaign;
