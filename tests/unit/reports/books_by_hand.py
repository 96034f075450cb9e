"""Books made by hand, small enough to reckon every figure of a report on paper.

Two deals are won in 2026, one of them in euro; one is open, one was refunded in part. Two models: `linear` gives each touch its part,
`first_touch` the whole to the first.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.unit.warehouse.landing import empty_warehouse
from warehouse.models.build import build

__all__ = ["make_books"]

SETTING = """
INSERT INTO core.setting BY NAME SELECT 'USD' AS reporting_currency, 'UTC' AS time_zone, 1 AS fiscal_year_start_month,
    'linear' AS default_model, ['linear', 'first_touch'] AS models, 30 AS target_pct, ['website'] AS lead_sources, 'h' AS config_hash;
INSERT INTO core.model VALUES ('linear', 'all touches 100 % in equal parts'), ('first_touch', 'first touch 100 %');
"""

DEALS = """
INSERT INTO core.deal BY NAME SELECT deal_id, 'acme' AS account_id, status, amount, currency, reporting AS amount_reporting,
    opened AS opened_at, opened::DATE AS opened_on, closed AS closed_at, closed::DATE AS closed_on, lead AS lead_created_at, lead_source
    FROM (VALUES
    ('d-large', 'won',  900.00, 'USD',  900.00, TIMESTAMPTZ '2026-01-05 00:00:00+00', TIMESTAMPTZ '2026-02-10 10:30:00+00',
        TIMESTAMPTZ '2026-01-04 12:00:00+00', 'website'),
    ('d-euro',  'won',  100.00, 'EUR',  110.00, TIMESTAMPTZ '2026-01-06 00:00:00+00', TIMESTAMPTZ '2026-05-20 00:00:00+00',
        NULL, 'partner'),
    ('d-open',  'open',  50.00, 'USD',   50.00, TIMESTAMPTZ '2026-03-01 00:00:00+00', NULL, NULL, NULL),
    ('d-bare',  'open',   NULL,  NULL,    NULL, TIMESTAMPTZ '2026-03-02 00:00:00+00', NULL, NULL, NULL)
    ) AS deal(deal_id, status, amount, currency, reporting, opened, closed, lead, lead_source);
"""

ENTRIES = """
INSERT INTO core.entry BY NAME SELECT deal_id, entry_no, entry, booked AS booked_at, booked::DATE AS booked_on, is_final, currency, amount,
    reporting AS amount_reporting, 'crm' AS source, deal_id || '/' || entry_no AS event_id FROM (VALUES
    ('d-large', 1, 'booking',    TIMESTAMPTZ '2026-02-10 10:30:00+00', true,  'USD', 900.00, 900.00),
    ('d-large', 2, 'adjustment', TIMESTAMPTZ '2026-04-01 00:00:00+00', true,  'USD', -90.00, -90.00),
    ('d-euro',  1, 'booking',    TIMESTAMPTZ '2026-05-20 00:00:00+00', true,  'EUR', 100.00, 110.00),
    ('d-open',  1, 'pending',    NULL,                              false, 'USD',  50.00,  50.00)
    ) AS entry(deal_id, entry_no, entry, booked, is_final, currency, amount, reporting);
"""

# d-large has a touch of marketing and one of sales, d-euro one of marketing, d-open none
TOUCHES = """
INSERT INTO core.journey_touch BY NAME SELECT 'default' AS journey, deal_id, ordinal, length AS journey_length, 'web' AS touch_source,
    touch_id, touched AS touched_at, touched::DATE AS touched_on, position, campaign_id, channel, kind, team FROM (VALUES
    ('d-large', 1, 2, 't-1', TIMESTAMPTZ '2026-01-03 08:15:00+00', 'FT+LC', 'c-expo', 'event', 'meeting', 'marketing'),
    ('d-large', 2, 2, 't-2', TIMESTAMPTZ '2026-01-20 00:00:00+00', 'CW',    NULL,     'outbound', 'call', 'sales'),
    ('d-euro',  1, 1, 't-3', TIMESTAMPTZ '2026-01-04 00:00:00+00', 'FT+CW', 'c-mail', 'email', 'click', 'marketing')
    ) AS touch(deal_id, ordinal, length, touch_id, touched, position, campaign_id, channel, kind, team);
INSERT INTO core.cost_daily BY NAME SELECT 'c-expo' AS campaign_id, 'event' AS channel, DATE '2026-02-01' AS day, 200 AS cost_reporting;
"""

CREDITS = """
INSERT INTO core.credit_line BY NAME SELECT model, 'default' AS journey, deal_id, ordinal, entry_no, weight, amount * weight AS revenue,
    amount_reporting * weight AS revenue_reporting FROM core.entry JOIN (VALUES
    ('linear', 'd-large', 1, 0.5), ('linear', 'd-large', 2, 0.5), ('linear', 'd-euro', 1, 1.0), ('linear', 'd-open', 0, 1.0),
    ('first_touch', 'd-large', 1, 1.0), ('first_touch', 'd-euro', 1, 1.0), ('first_touch', 'd-open', 0, 1.0)
    ) AS share(model, deal_id, ordinal, weight) USING (deal_id);
"""

ARRIVALS = """
INSERT INTO ops.dead_letter BY NAME SELECT 'crm.deal' AS topic, 3 AS kafka_partition, o AS kafka_offset, c AS error_class,
    'not one JSON object' AS message, '{"broken'::BLOB AS value, 0 AS attempt, TIMESTAMPTZ '2026-02-10 00:00:00+00' AS recorded_at
    FROM (VALUES (7, 'malformed'), (8, 'schema'), (9, 'schema')) AS letter(o, c);
INSERT INTO ops.cycle BY NAME SELECT cycle_no, kind, TIMESTAMPTZ '2026-02-11 03:15:00+00' AS started_at, 1.5 AS seconds,
    records, facts, duplicates, conflicts FROM (VALUES (1, 'ingest', 20, 12, 3, 1), (2, 'ingest', 1500, 1490, 4, 2),
    (3, 'attribute', NULL, NULL, NULL, NULL)) AS cycle(cycle_no, kind, records, facts, duplicates, conflicts);
"""


def make_books(path: Path | str = ":memory:", *, more: str = "") -> duckdb.DuckDBPyConnection:
    """Return a warehouse with the books above and what the statements of `more` change in them, its marts built."""
    con = empty_warehouse(path)
    con.execute(SETTING + DEALS + ENTRIES + TOUCHES + CREDITS + ARRIVALS + more)
    build(con)
    return con
