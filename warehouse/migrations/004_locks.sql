-- Closed periods: what was frozen and when, with all that is needed to make it again, and what incentive plans paid for it. Rows are
-- added and never changed.
CREATE TABLE locked.run (
    run_id             VARCHAR,
    run_no             BIGINT,
    locked_at          TIMESTAMPTZ,
    period_kind        VARCHAR,
    period             VARCHAR,
    period_start       DATE,
    period_end         DATE,
    is_first           BOOLEAN,
    as_of              TIMESTAMPTZ,
    config_hash        VARCHAR,
    models             VARCHAR[],
    code_version       VARCHAR,
    rules_edition      INTEGER,
    reporting_currency VARCHAR,
    ledger_cutoff      VARCHAR,
    recorded_until     TIMESTAMPTZ,
    entries            BIGINT,
    content_hash       VARCHAR,
    configuration      VARCHAR
);

CREATE TABLE locked.entry (
    run_id            VARCHAR,
    period            VARCHAR,
    kind              VARCHAR,
    model             VARCHAR,
    deal_id           VARCHAR,
    touch_source      VARCHAR,
    touch_id          VARCHAR,
    entry             VARCHAR,
    booked_on         DATE,
    run_booked_on     DATE,
    team              VARCHAR,
    campaign_id       VARCHAR,
    campaign_owner    VARCHAR,
    deal_owner        VARCHAR,
    revenue_reporting DECIMAL(38, 3)
);

CREATE TABLE locked.statement (
    statement_id VARCHAR,
    plan_id      VARCHAR,
    run_id       VARCHAR,
    period       VARCHAR,
    base         DECIMAL(38, 3),
    share_pct    DOUBLE,
    factor       DECIMAL(38, 12),
    earned       DECIMAL(38, 3),
    clawed_back  DECIMAL(38, 3),
    carried_in   DECIMAL(38, 3),
    paid         DECIMAL(38, 3),
    carried_out  DECIMAL(38, 3),
    currency     VARCHAR
);

CREATE TABLE locked.statement_line (
    statement_id VARCHAR,
    line_no      INTEGER,
    period       VARCHAR,
    kind         VARCHAR,
    payee        VARCHAR,
    amount       DECIMAL(38, 3)
);
