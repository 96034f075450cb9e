-- The ledger, the books, and what is watched. No keys and no indexes: a bulk load is six times slower with them, and the loader
-- is the one place that writes.
CREATE SCHEMA ledger;
CREATE SCHEMA core;
CREATE SCHEMA marts;
CREATE SCHEMA locked;
CREATE SCHEMA IF NOT EXISTS ops;

CREATE TABLE ledger.touch (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    account_id           VARCHAR,
    person_id            VARCHAR,
    visitor_id           VARCHAR,
    channel              VARCHAR,
    kind                 VARCHAR,
    team                 VARCHAR,
    campaign_id          VARCHAR,
    url                  VARCHAR,
    referrer             VARCHAR,
    utm_source           VARCHAR,
    utm_medium           VARCHAR,
    utm_campaign         VARCHAR,
    utm_term             VARCHAR,
    utm_content          VARCHAR,
    attributes           VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.retraction (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    touch_source         VARCHAR,
    touch_id             VARCHAR,
    reason               VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.campaign (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    campaign_id          VARCHAR,
    name                 VARCHAR,
    channel              VARCHAR,
    campaign_type        VARCHAR,
    parent_id            VARCHAR,
    starts_on            DATE,
    ends_on              DATE,
    budget               DECIMAL(18, 3),
    currency             VARCHAR,
    owner                VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.spend (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    campaign_id          VARCHAR,
    starts_on            DATE,
    ends_on              DATE,
    amount               DECIMAL(18, 3),
    currency             VARCHAR,
    impressions          BIGINT,
    clicks               BIGINT,
    leads                BIGINT,
    revision             BIGINT,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.lead_stage (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    lead_id              VARCHAR,
    stage                VARCHAR,
    person_id            VARCHAR,
    account_id           VARCHAR,
    deal_id              VARCHAR,
    owner                VARCHAR,
    team                 VARCHAR,
    reason               VARCHAR,
    score                DOUBLE,
    rule_version         VARCHAR,
    attributes           VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.deal (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    deal_id              VARCHAR,
    account_id           VARCHAR,
    stage                VARCHAR,
    status               VARCHAR,
    opened_at            TIMESTAMPTZ,
    amount               DECIMAL(18, 3),
    currency             VARCHAR,
    closed_at            TIMESTAMPTZ,
    revision             BIGINT,
    deal_type            VARCHAR,
    owner                VARCHAR,
    segment              VARCHAR,
    region               VARCHAR,
    product              VARCHAR,
    lead_source          VARCHAR,
    list_amount          DECIMAL(18, 3),
    contact_ids          VARCHAR[],
    primary_contact_id   VARCHAR,
    loss_reason          VARCHAR,
    next_step            VARCHAR,
    deleted              BOOLEAN,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.adjustment (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    adjustment_id        VARCHAR,
    deal_id              VARCHAR,
    amount               DECIMAL(18, 3),
    currency             VARCHAR,
    effective_at         TIMESTAMPTZ,
    reason               VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.identity (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    op                   VARCHAR,
    left_kind            VARCHAR,
    left_id              VARCHAR,
    right_kind           VARCHAR,
    right_id             VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.fx (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    date                 DATE,
    base                 VARCHAR,
    quote                VARCHAR,
    rate                 VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE ledger.erasure (
    source               VARCHAR,
    event_id             VARCHAR,
    occurred_at          TIMESTAMPTZ,
    person_id            VARCHAR,
    visitor_id           VARCHAR,
    reason               VARCHAR,
    content_hash         UBIGINT,
    shard                INTEGER,
    topic                VARCHAR,
    kafka_partition      INTEGER,
    kafka_offset         BIGINT,
    recorded_at          TIMESTAMPTZ,
    identity_hash        UBIGINT
);

CREATE TABLE core.identity (
    kind                 VARCHAR,
    id                   VARCHAR,
    person_id            VARCHAR,
    account_id           VARCHAR
);

CREATE TABLE core.deal (
    deal_id              VARCHAR,
    account_id           VARCHAR,
    status               VARCHAR,
    stage                VARCHAR,
    amount               DECIMAL(18, 3),
    currency             VARCHAR,
    amount_reporting     DECIMAL(18, 3),
    opened_at            TIMESTAMPTZ,
    opened_on            DATE,
    closed_at            TIMESTAMPTZ,
    closed_on            DATE,
    changed_at           TIMESTAMPTZ,
    lead_created_at      TIMESTAMPTZ,
    revision             BIGINT,
    deal_type            VARCHAR,
    owner                VARCHAR,
    segment              VARCHAR,
    region               VARCHAR,
    product              VARCHAR,
    lead_source          VARCHAR,
    list_amount          DECIMAL(18, 3),
    loss_reason          VARCHAR,
    next_step            VARCHAR
);

CREATE TABLE core.deal_history (
    deal_id              VARCHAR,
    state_no             INTEGER,
    revision             BIGINT,
    changed_at           TIMESTAMPTZ,
    source               VARCHAR,
    event_id             VARCHAR,
    account_id           VARCHAR,
    stage                VARCHAR,
    status               VARCHAR,
    amount               DECIMAL(18, 3),
    currency             VARCHAR,
    opened_at            TIMESTAMPTZ,
    closed_at            TIMESTAMPTZ,
    owner                VARCHAR,
    list_amount          DECIMAL(18, 3),
    next_step            VARCHAR,
    loss_reason          VARCHAR
);

CREATE TABLE core.journey_touch (
    journey              VARCHAR,
    deal_id              VARCHAR,
    ordinal              INTEGER,
    journey_length       INTEGER,
    touch_source         VARCHAR,
    touch_id             VARCHAR,
    touched_at           TIMESTAMPTZ,
    touched_on           DATE,
    position             VARCHAR,
    campaign_id          VARCHAR,
    channel              VARCHAR,
    kind                 VARCHAR,
    team                 VARCHAR,
    actor                VARCHAR
);

CREATE TABLE core.entry (
    deal_id              VARCHAR,
    entry_no             INTEGER,
    entry                VARCHAR,
    booked_at            TIMESTAMPTZ,
    booked_on            DATE,
    is_final             BOOLEAN,
    currency             VARCHAR,
    amount               DECIMAL(18, 3),
    amount_reporting     DECIMAL(18, 3),
    source               VARCHAR,
    event_id             VARCHAR
);

CREATE TABLE core.credit_line (
    model                VARCHAR,
    journey              VARCHAR,
    deal_id              VARCHAR,
    ordinal              INTEGER,
    entry_no             INTEGER,
    weight               DECIMAL(18, 12),
    revenue              DECIMAL(18, 3),
    revenue_reporting    DECIMAL(18, 3)
);

CREATE TABLE core.cost_daily (
    campaign_id          VARCHAR,
    channel              VARCHAR,
    day                  DATE,
    cost_reporting       DECIMAL(18, 3),
    impressions          BIGINT,
    clicks               BIGINT,
    leads                BIGINT
);

CREATE TABLE ops.held (
    kind                 VARCHAR,
    id                   VARCHAR,
    reason               VARCHAR,
    deal_id              VARCHAR,
    campaign_id          VARCHAR,
    currency             VARCHAR,
    amount               DECIMAL(18, 3),
    detail               VARCHAR
);

-- every pair of nodes that any fact ever named together: a superset of the links, which drives the dirty walk and the scope
CREATE TABLE ledger.pair (
    left_kind  VARCHAR,
    left_id    VARCHAR,
    right_kind VARCHAR,
    right_id   VARCHAR
);

-- one row: what the books were computed with
CREATE TABLE core.setting (
    reporting_currency      VARCHAR,
    time_zone               VARCHAR,
    fiscal_year_start_month INTEGER,
    default_model           VARCHAR,
    models                  VARCHAR[],
    target_pct              DECIMAL(9, 4),
    lead_sources            VARCHAR[],
    config_hash             VARCHAR
);

CREATE TABLE ops.kafka_offset (
    topic           VARCHAR,
    kafka_partition INTEGER,
    next_offset     BIGINT,
    committed_at    TIMESTAMPTZ
);
CREATE TABLE ops.dead_letter (
    topic           VARCHAR,
    kafka_partition INTEGER,
    kafka_offset    BIGINT,
    error_class     VARCHAR,
    message         VARCHAR,
    key             BLOB,
    value           BLOB,
    headers         VARCHAR,
    timestamp_ms    BIGINT,
    attempt         INTEGER,
    recorded_at     TIMESTAMPTZ,
    published_at    TIMESTAMPTZ,
    replayed_at     TIMESTAMPTZ  -- each is replayed once: a replay that fails is a dead letter of its own
);
CREATE TABLE ops.dirty_account (account_id VARCHAR, reason VARCHAR, marked_at TIMESTAMPTZ);
CREATE TABLE ops.dirty_node (kind VARCHAR, id VARCHAR);
CREATE TABLE ops.dirty_everything (reason VARCHAR, marked_at TIMESTAMPTZ);
CREATE TABLE ops.dirty_campaign (campaign_id VARCHAR, reason VARCHAR, marked_at TIMESTAMPTZ);
CREATE TABLE ops.conflict (
    fact_type   VARCHAR,
    source      VARCHAR,
    event_id    VARCHAR,
    kept        VARCHAR,
    dropped     VARCHAR,
    kept_time   TIMESTAMPTZ,
    dropped_time TIMESTAMPTZ,
    dropped_hash UBIGINT
);
CREATE SEQUENCE ops.cycle_no;
CREATE TABLE ops.cycle (
    cycle_no     BIGINT,
    kind         VARCHAR,
    started_at   TIMESTAMPTZ,
    seconds      DOUBLE,
    records      BIGINT,
    facts        BIGINT,
    duplicates   BIGINT,
    conflicts    BIGINT,
    dead_letters BIGINT,
    accounts     BIGINT,
    deals        BIGINT,
    credits      BIGINT
);

-- the models that the books were computed with, and their rules in words
CREATE TABLE core.model (model VARCHAR, rule VARCHAR);
