-- The second edition of the rules: what firms' own systems really send.

-- spend in millionths, and by rows of its own; campaigns under other names
DROP VIEW ledger.current_spend;
ALTER TABLE ledger.spend ALTER amount TYPE DECIMAL(18, 6);
ALTER TABLE ledger.spend ADD COLUMN spend_id VARCHAR;
CREATE VIEW ledger.current_spend AS SELECT * EXCLUDE (superseded_at) FROM ledger.spend WHERE superseded_at IS NULL;

DROP VIEW ledger.current_campaign;
ALTER TABLE ledger.campaign ADD COLUMN same_as VARCHAR;
CREATE VIEW ledger.current_campaign AS SELECT * EXCLUDE (superseded_at) FROM ledger.campaign WHERE superseded_at IS NULL;

-- days where the hour is not known; names
DROP VIEW ledger.current_deal;
ALTER TABLE ledger.deal ADD COLUMN name VARCHAR;
ALTER TABLE ledger.deal ADD COLUMN opened_on DATE;
ALTER TABLE ledger.deal ADD COLUMN closed_on DATE;
CREATE VIEW ledger.current_deal AS SELECT * EXCLUDE (superseded_at) FROM ledger.deal WHERE superseded_at IS NULL;

DROP VIEW ledger.current_adjustment;
ALTER TABLE ledger.adjustment ADD COLUMN effective_on DATE;
CREATE VIEW ledger.current_adjustment AS SELECT * EXCLUDE (superseded_at) FROM ledger.adjustment WHERE superseded_at IS NULL;

-- memberships from and until
DROP VIEW ledger.current_identity;
ALTER TABLE ledger.identity ADD COLUMN since TIMESTAMPTZ;
ALTER TABLE ledger.identity ADD COLUMN until TIMESTAMPTZ;
CREATE VIEW ledger.current_identity AS SELECT * EXCLUDE (superseded_at) FROM ledger.identity WHERE superseded_at IS NULL;

CREATE TABLE ledger.account (
    source          VARCHAR,
    event_id        VARCHAR,
    occurred_at     TIMESTAMPTZ,
    account_id      VARCHAR,
    name            VARCHAR,
    segment         VARCHAR,
    region          VARCHAR,
    industry        VARCHAR,
    employees       BIGINT,
    owner           VARCHAR,
    parent_id       VARCHAR,
    revision        BIGINT,
    deleted         BOOLEAN,
    content_hash    UBIGINT,
    topic           VARCHAR,
    kafka_partition INTEGER,
    kafka_offset    BIGINT,
    identity_hash   UBIGINT,
    recorded_at     TIMESTAMPTZ,
    superseded_at   TIMESTAMPTZ
);
CREATE VIEW ledger.current_account AS SELECT * EXCLUDE (superseded_at) FROM ledger.account WHERE superseded_at IS NULL;

CREATE TABLE core.account (
    account_id VARCHAR,
    name       VARCHAR,
    segment    VARCHAR,
    region     VARCHAR,
    industry   VARCHAR,
    employees  BIGINT,
    owner      VARCHAR,
    parent_id  VARCHAR
);

ALTER TABLE core.deal ADD COLUMN name VARCHAR;

CREATE TABLE core.pipeline_credit (
    model            VARCHAR,
    deal_id          VARCHAR,
    ordinal          INTEGER,
    touch_source     VARCHAR,
    touch_id         VARCHAR,
    campaign_id      VARCHAR,
    channel          VARCHAR,
    team             VARCHAR,
    touched_at       TIMESTAMPTZ,
    position         VARCHAR,
    weight           DECIMAL(18, 12),
    created_on       DATE,
    amount           DECIMAL(18, 3),
    currency         VARCHAR,
    amount_reporting DECIMAL(18, 3)
);

ALTER TABLE ops.held ALTER amount TYPE DECIMAL(24, 6);

-- the edition of the rules that the books were computed by: another one makes everything dirty
ALTER TABLE core.setting ADD COLUMN rules_edition INTEGER;

-- the labels of the configuration: what sources write, and what the firm calls it
CREATE TABLE core.label (
    field VARCHAR,
    label VARCHAR,
    name  VARCHAR
);

-- what the configuration names, to be looked for in the facts
CREATE TABLE core.named_setting (
    setting VARCHAR,  -- the key of nisba.toml
    field   VARCHAR,  -- the label or id that it speaks of
    value   VARCHAR,
    label   VARCHAR   -- the value in the form in which it is compared
);

-- fields that events had and that no type knows, counted as they arrive
CREATE TABLE ops.unknown_field (
    event_type VARCHAR,
    field      VARCHAR,
    records    BIGINT
);
