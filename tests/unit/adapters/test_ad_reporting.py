"""Fivetran's unified report: no currency of its own, sums of floats, and the register of the platforms' own tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adapters import Conversion
from nisba.errors import SourceError
from tests.unit.adapters.running import converted, events_of

HEADER = "source_relation,date_day,platform,account_id,account_name,campaign_id,campaign_name,clicks,impressions,spend,conversions"
REPORT = f"""{HEADER}
,2026-01-01,google_ads,1,Firm,9,Spring,4,100,60.720001,5
,2026-01-02,google_ads,1,Firm,9,Summer,,,0.30000000000000004,5
,2026-01-01,linkedin_ads,3,Firm,70,,1,2,0.1,5
other,2026-01-01,linkedin_ads,3,Firm,70,,1,2,0.2,5
"""
CURRENCIES = {"account_currencies": {"1": "USD", "linkedin_ads": "EUR"}}


def read(tmp_path: Path, text: str, section: Mapping[str, Any], name: str = "ad_reporting__campaign_report.csv") -> Conversion:
    (tmp_path / "export").mkdir(exist_ok=True)
    (tmp_path / "export" / name).write_text(text, "utf-8")
    os.utime(tmp_path / "export" / name, (1_800_000_000, 1_800_000_000))
    return converted("ad_reporting", tmp_path / "export", tmp_path / "out", section)


def test_costs_of_the_unified_report(tmp_path: Path) -> None:
    assert read(tmp_path, REPORT, CURRENCIES).events == {"campaign": 2, "spend": 3}
    first, *rest = events_of(tmp_path / "out", "spend")
    assert first == {
        "specversion": "1.0",
        "id": "google_ads:9/2026-01-01@1800000000000",
        "source": "ads",
        "type": "nisba.spend.v1",
        "time": "2027-01-15T08:00:00.000000Z",
        "partitionkey": "google_ads:9",
        "data": {
            "campaign_id": "google_ads:9",
            "starts_on": "2026-01-01",
            "amount": "60.720001",
            "currency": "USD",
            "impressions": 100,
            "clicks": 4,
            "revision": 1800000000000,
        },
    }
    found = [tuple(event["data"].get(key) for key in ("campaign_id", "amount", "currency", "impressions", "clicks")) for event in rest]
    assert found == [("google_ads:9", "0.3", "USD", None, None), ("linkedin_ads:70", "0.3", "EUR", 4, 2)]


def test_campaigns_have_their_newest_name_and_their_platforms_channel(tmp_path: Path) -> None:
    done = read(tmp_path, REPORT, CURRENCIES)
    assert [(e["data"]["campaign_id"], e["data"]["name"], e["data"]["channel"]) for e in events_of(tmp_path / "out", "campaign")] == [
        ("google_ads:9", "Summer", "paid_other"),
        ("linkedin_ads:70", "linkedin_ads:70", "paid_social"),
    ]
    assert done.assumed == {
        "campaigns of Google Ads, whose kind the report does not say: channel paid_other": 1,
        "campaigns without a name, named by their id": 1,
    }
    done = read(tmp_path, REPORT, {**CURRENCIES, "channels": {"google_ads": "paid_search"}})
    assert "paid_search" in {event["data"]["channel"] for event in events_of(tmp_path / "out", "campaign")}
    assert done.assumed == {"campaigns without a name, named by their id": 1}


def test_the_currency_of_every_account_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError,
        match=r"account_currencies: '1' \(2 rows\); account_currencies: '3' \(2 rows\)\..* account_currencies = \{ \"1\" = \"…\" \}",
    ):
        read(tmp_path, REPORT, {})


def test_a_currency_that_is_none_is_left_out_until_it_is_mapped(tmp_path: Path) -> None:
    section = {"account_currencies": {"1": "CAN", "3": "EUR"}}
    assert read(tmp_path, REPORT, section).left_out == {"costs in CAN, which is no currency": 2}
    assert read(tmp_path, REPORT, {**section, "currencies": {"CAN": "CAD"}}).events == {"campaign": 2, "spend": 3}
    assert {event["data"]["currency"] for event in events_of(tmp_path / "out", "spend")} == {"CAD", "EUR"}


def test_a_platform_that_nobody_knows_asks_for_its_channel(tmp_path: Path) -> None:
    text = f"{HEADER}\n,2026-01-01,billboards,1,Firm,9,Spring,1,1,5,0\n"
    with pytest.raises(SourceError, match=r"channels: 'billboards' \(1 rows\)"):
        read(tmp_path, text, CURRENCIES)
    assert read(tmp_path, text, {**CURRENCIES, "channels": {"billboards": "display"}}).events == {"campaign": 1, "spend": 1}


def test_rows_that_become_nothing_are_counted(tmp_path: Path) -> None:
    text = f"{HEADER}\n,2026-01-01,google_ads,1,Firm,,,1,1,5,0\n,2026-01-01,google_ads,1,Firm,9,Spring,1,1,,0\n"
    done = read(tmp_path, text, CURRENCIES)
    assert done.left_out == {"rows without a platform, a campaign or a day": 1}
    assert done.assumed["rows without a cost, which count as 0"] == 1
    assert events_of(tmp_path / "out", "spend")[0]["data"]["amount"] == "0"


@pytest.mark.parametrize("column", ["date_day", "platform", "account_id", "campaign_id", "spend"])
def test_a_column_that_is_missing_is_named(tmp_path: Path, column: str) -> None:
    with pytest.raises(SourceError, match=f"the table ad_reporting__campaign_report has no column {column}; is it another version"):
        read(tmp_path, REPORT.replace(f",{column},", ",else,", 1), CURRENCIES)


def test_a_place_without_the_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has no table ad_reporting__campaign_report \(looked for .*\); there are: other\."):
        read(tmp_path, REPORT, CURRENCIES, "other.csv")


def test_a_warehouse_whose_amounts_are_doubles_gives_the_same_bytes(tmp_path: Path) -> None:
    read(tmp_path, REPORT, CURRENCIES)
    file = tmp_path / "lake.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(f"""
            CREATE TABLE AD_REPORTING__CAMPAIGN_REPORT AS
            SELECT spend::DOUBLE AS SPEND, campaign_name, campaign_id::BIGINT AS campaign_id, platform, account_id,
                date_day::TIMESTAMP AS Date_Day, impressions::DOUBLE AS impressions, clicks
            FROM read_csv('{tmp_path}/export/*.csv')
        """)
    os.utime(file, (1_800_000_000, 1_800_000_000))
    converted("ad_reporting", file, tmp_path / "typed", CURRENCIES)
    for topic in ("marketing.spend.jsonl", "marketing.campaign.jsonl"):
        assert (tmp_path / "typed" / topic).read_bytes() == (tmp_path / "out" / topic).read_bytes() != b""
