-- What the teams agreed on, beside what the books were computed with: a good lead, its answer, exceptions, checks, benchmarks.

ALTER TABLE core.setting ADD COLUMN as_of TIMESTAMPTZ;

CREATE TABLE core.agreement (
    agreements_hash   VARCHAR,
    gross_margin_pct  DECIMAL(9, 6),
    lookback_days     INTEGER,
    excluded_kinds    VARCHAR[],
    excluded_channels VARCHAR[],
    sales_stages      VARCHAR[],
    exceptions_since  DATE,
    adherence_checks  VARCHAR[],
    update_days       INTEGER,
    min_sample        INTEGER,
    advice_count      INTEGER
);

CREATE TABLE core.lead_quality_rule (
    rule_no    INTEGER,
    rule_id    VARCHAR,
    valid_from DATE,
    min_score  DOUBLE,
    required   VARCHAR[],
    segments   VARCHAR[],
    channels   VARCHAR[]
);

CREATE TABLE core.lead_sla_rule (
    rule_no    INTEGER,
    rule_id    VARCHAR,
    from_stage VARCHAR,
    to_stage   VARCHAR,
    hours      DECIMAL(18, 6),
    valid_from DATE
);

CREATE TABLE core.business_hours (
    time_zone     VARCHAR,
    days          VARCHAR[],
    opens_minute  INTEGER,
    closes_minute INTEGER,
    holiday_code  VARCHAR,
    holidays      DATE[]
);

CREATE TABLE core.exception_rule (
    rule       VARCHAR,
    version    VARCHAR,
    is_enabled BOOLEAN,
    size       DECIMAL(18, 6),
    min_won    INTEGER
);

-- by what rates amounts are converted: what was agreed speaks of amounts that no entry has
CREATE TABLE core.exchange (
    fx_policy   VARCHAR,
    fx_pivot    VARCHAR,
    fixed_pairs VARCHAR[],
    fixed_rates VARCHAR[]
);

-- which models show what: a stream builds those of its cycles, flows and commands all
CREATE TABLE ops.built (
    refreshed_by    VARCHAR,
    cycle_no        BIGINT,
    agreements_hash VARCHAR
);
