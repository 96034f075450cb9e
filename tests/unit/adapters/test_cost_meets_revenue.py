"""A CRM and an ad platform that do not know of each other: cost and revenue on one campaign, by one line of the configuration."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from nisba.config import Attribution, Config, Reporting, Warehouse
from pipelines.backfill import backfill
from tests.unit.adapters.running import converted
from tests.unit.adapters.test_ads import GOOGLE
from tests.unit.adapters.test_salesforce_acme import REPORTING, SETTINGS
from warehouse.connection import open_reader

WEBINAR = "701Ac0000000001IAA"
MET = {WEBINAR: (Decimal("1298.22"), Decimal(44_250))}
APART = {WEBINAR: (Decimal("1234.50"), Decimal(44_250)), "google_ads:9": (Decimal("63.72"), Decimal(0))}


@pytest.mark.parametrize("is_said", [True, False])
def test_what_ads_cost_counts_for_the_campaign_that_they_were_for(sample_data: Path, tmp_path: Path, is_said: bool) -> None:
    """In the first quarter the webinar earned 44,250.00 by the linear model and cost 1,234.50; its ads cost 63.72."""
    acme = sample_data / "adapters" / "salesforce" / "acme" / "export_2" / "api_csv"
    (tmp_path / "google").mkdir()
    for name, text in GOOGLE.items():
        (tmp_path / "google" / name).write_text(text, "utf-8")
    converted("salesforce", acme, tmp_path / "events" / "crm", SETTINGS, **REPORTING)
    meeting = {"same_as": {"google_ads:9": WEBINAR}} if is_said else {}
    converted("ads", tmp_path / "google", tmp_path / "events" / "ads", {"currency": "USD", **meeting}, **REPORTING)
    config = Config(
        reporting=Reporting(currency=REPORTING["currency"], time_zone=REPORTING["time_zone"]),
        attribution=Attribution(models=("linear",), default_model="linear"),
        warehouse=Warehouse(path=str(tmp_path / "warehouse.duckdb")),
    )
    done = backfill(tmp_path / "events", config)
    assert (done.read.dead_letters, done.read.conflicts) == (0, 0)
    with open_reader(config.warehouse.path) as con:
        rows = con.execute(
            "SELECT campaign_id, cost, revenue FROM marts.campaign_roi "
            "WHERE period = '2026-Q1' AND model = 'linear' AND campaign_id IN (?, ?)",
            [WEBINAR, "google_ads:9"],
        ).fetchall()
    assert {name: (cost, revenue) for name, cost, revenue in rows} == (MET if is_said else APART)
