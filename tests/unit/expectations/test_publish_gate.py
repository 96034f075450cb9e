"""A figure that is corrupted after the build stops publishing: the rows are named and the symlink stays."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from expectations.run import check
from nisba.config import Config, Publish
from nisba.errors import CheckFailed
from warehouse.migrations import migrate
from warehouse.models.build import build
from warehouse.models.publication import prepare, promote, published

ONE_WON_DEAL = """
INSERT INTO core.setting BY NAME SELECT 'USD' AS reporting_currency, 'UTC' AS time_zone, 1 AS fiscal_year_start_month,
    'linear' AS default_model, ['linear'] AS models, 30 AS target_pct, ['website'] AS lead_sources, 'h' AS config_hash;
INSERT INTO core.model VALUES ('linear', 'rest 100');
INSERT INTO core.deal BY NAME SELECT 'won_by_two_touches' AS deal_id, 'acme' AS account_id, 'won' AS status, 100 AS amount,
    'USD' AS currency, 100 AS amount_reporting, DATE '2026-01-05' AS opened_on, DATE '2026-02-10' AS closed_on,
    TIMESTAMPTZ '2026-01-05 00:00:00+00' AS opened_at, TIMESTAMPTZ '2026-02-10 00:00:00+00' AS closed_at;
INSERT INTO core.entry BY NAME SELECT 'won_by_two_touches' AS deal_id, 1 AS entry_no, 'booking' AS entry, DATE '2026-02-10' AS booked_on,
    true AS is_final, 'USD' AS currency, 100 AS amount, 100 AS amount_reporting;
INSERT INTO core.journey_touch BY NAME SELECT 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal, 2 AS journey_length,
    DATE '2026-01-03' AS touched_on, 'event' AS channel, if(n = 1, 'c-expo', NULL) AS campaign_id,
    if(n = 1, 'marketing', 'sales') AS team FROM range(1, 3) AS touch(n);
INSERT INTO core.credit_line BY NAME SELECT 'linear' AS model, 'default' AS journey, 'won_by_two_touches' AS deal_id, n AS ordinal,
    1 AS entry_no, 0.5 AS weight, 50 AS revenue, 50 AS revenue_reporting FROM range(1, 3) AS touch(n);
INSERT INTO core.cost_daily BY NAME SELECT 'c-expo' AS campaign_id, 'event' AS channel, DATE '2026-02-01' AS day, 20 AS cost_reporting;
"""


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    migrate(connection)
    connection.execute(ONE_WON_DEAL)
    build(connection)
    return connection


def test_figures_of_one_won_deal(con: duckdb.DuckDBPyConnection) -> None:
    roi = "SELECT campaign_id, cost, revenue, roi, roi_reason FROM marts.campaign_roi WHERE period = '2026-02' ORDER BY ALL"
    rows = [tuple(map(str, row)) for row in con.execute(roi).fetchall()]
    assert rows == [("(none)", "None", "50.000", "None", "no_cost"), ("c-expo", "20.000", "50.000", "1.5", "None")]
    share = "SELECT attributed_pct, sourced_first_touch_pct, influenced_deals, gap_to_target FROM marts.marketing_share"
    assert con.execute(f"{share} WHERE period = '2026-Q1' AND segment = 'all'").fetchall() == [(50.0, 100.0, 1, 20.0)]


def test_corrupted_figure_is_not_published(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    config = Config(publish=Publish(directory=str(tmp_path / "published")))
    current = promote(prepare(con, config), config)
    con.execute("UPDATE marts.campaign_roi SET revenue = revenue + 1 WHERE campaign_id = 'c-expo' AND period = '2026-02'")
    with pytest.raises(CheckFailed, match=r"campaigns_add_up_to_won_revenue.*1 rows.*2026-02") as refused:
        check(prepare(con, config))
    failed = re.findall(r"marts\.\w+ (\w+):|core\.\w+ (\w+):", str(refused.value))  # all others hold
    assert failed == [("campaigns_add_up_to_won_revenue", ""), ("campaigns_add_up_to_marketing_share", "")]
    assert published(config) == current
