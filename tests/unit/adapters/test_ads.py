"""The ad platforms' tables: one exact cost per campaign and day, whatever tool wrote them and however often."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import adapter
from nisba.config import Attribution, Config, Reporting, Warehouse
from nisba.errors import SourceError
from pipelines.backfill import backfill
from tests.unit.adapters.running import converted, events_of, examined
from warehouse.connection import open_reader

GOOGLE = {
    "google_ads_campaign_stats.csv": "customer_id,id,date,device,ad_network_type,cost_micros,clicks,impressions,_fivetran_id,"
    "_fivetran_synced\n"
    "1,9,2026-01-01,MOBILE,SEARCH,36150000,4,100,a,2026-01-02 10:00:00\n"
    "1,9,2026-01-01,DESKTOP,SEARCH,24570001,3,50,b,2026-01-02 10:00:01\n"
    "1,9,2026-01-02,DESKTOP,SEARCH,3000000,0,7,c,2026-01-03 10:00:00\n"
    "1,8,2026-01-02,DESKTOP,CONTENT,1,0,1,d,2026-01-03 10:00:00\n",
    "google_ads_campaign_history.csv": "id,updated_at,name,customer_id,advertising_channel_type,start_date,end_date\n"
    "9,2025-12-01 00:00:00,Old name,1,SEARCH,2025-12-01,2037-12-30\n"
    "9,2025-12-09 00:00:00,Spring,1,SEARCH,2025-12-02,2037-12-30\n"
    "8,2025-12-01 00:00:00,Banner,1,DISPLAY,2025-12-01,2026-06-30\n",
    "google_ads_account_history.csv": "id,updated_at,currency_code\n1,2025-01-01,EUR\n1,2025-06-01,USD\n",
}
SPEND = {
    "google_ads:8/2026-01-02": ("0.000001", "USD", 1, 0),
    "google_ads:9/2026-01-01": ("60.720001", "USD", 150, 7),
    "google_ads:9/2026-01-02": ("3", "USD", 7, 0),
}
NEVER = 1_800_000_000
"""When a file that says of no row when it changed was written last."""


def place(folder: Path, files: Mapping[str, str], changed: int = NEVER) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        os.utime(file, (changed, changed))
    return folder


def spends(directory: Path) -> dict[str, tuple[Any, ...]]:
    """Return (amount, currency, impressions, clicks) of each spend, by its id without the stamp."""
    return {
        event["id"].partition("@")[0]: tuple(event["data"].get(key) for key in ("amount", "currency", "impressions", "clicks"))
        for event in events_of(directory, "spend")
    }


def read(tmp_path: Path, files: Mapping[str, str], section: Mapping[str, Any] | None = None) -> dict[str, tuple[Any, ...]]:
    converted("ads", place(tmp_path / "export", files), tmp_path / "out", section)
    return spends(tmp_path / "out")


def campaigns(directory: Path) -> dict[str, dict[str, Any]]:
    return {event["data"]["campaign_id"]: event["data"] for event in events_of(directory, "campaign")}


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(directory.glob("*.jsonl"))}


# One platform in full


def test_segments_are_added_up_to_one_exact_cost_per_campaign_and_day(tmp_path: Path) -> None:
    assert read(tmp_path, GOOGLE) == SPEND


def test_the_id_and_revision_are_the_newest_stamp_of_the_rows(tmp_path: Path) -> None:
    read(tmp_path, GOOGLE)
    event = events_of(tmp_path / "out", "spend")[1]
    assert event == {
        "specversion": "1.0",
        "id": "google_ads:9/2026-01-01@1767348001000",
        "source": "ads",
        "type": "nisba.spend.v1",
        "time": "2026-01-02T10:00:01.000000Z",
        "partitionkey": "google_ads:9",
        "data": {
            "campaign_id": "google_ads:9",
            "starts_on": "2026-01-01",
            "amount": "60.720001",
            "currency": "USD",
            "impressions": 150,
            "clicks": 7,
            "revision": 1767348001000,
        },
    }


def test_campaigns_are_as_they_were_last_and_2037_is_no_end(tmp_path: Path) -> None:
    read(tmp_path, GOOGLE)
    assert campaigns(tmp_path / "out") == {
        "google_ads:8": {
            "campaign_id": "google_ads:8",
            "name": "Banner",
            "channel": "display",
            "campaign_type": "paid",
            "starts_on": "2025-12-01",
            "ends_on": "2026-06-30",
        },
        "google_ads:9": {
            "campaign_id": "google_ads:9",
            "name": "Spring",
            "channel": "paid_search",
            "campaign_type": "paid",
            "starts_on": "2025-12-02",
        },
    }
    assert [event["id"] for event in events_of(tmp_path / "out", "campaign")] == [
        "google_ads:8@1764547200000",
        "google_ads:9@1765238400000",
    ]


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        ("SEARCH", "paid_search"),
        ("DISPLAY", "display"),
        ("VIDEO", "paid_video"),
        ("PERFORMANCE_MAX", "cross_network"),
        ("SHOPPING", "paid_shopping"),
    ],
)
def test_channel_of_google_is_that_of_the_campaigns_kind(tmp_path: Path, kind: str, channel: str) -> None:
    history = f"id,updated_at,name,advertising_channel_type\n9,2026-01-01,Spring,{kind}\n"
    read(tmp_path, {**GOOGLE, "google_ads_campaign_history.csv": history})
    found = campaigns(tmp_path / "out")
    assert found["google_ads:9"]["channel"] == channel
    assert found["google_ads:8"] == {
        "campaign_id": "google_ads:8",
        "name": "google_ads:8",
        "channel": "paid_other",
        "campaign_type": "paid",
    }


def test_a_kind_of_campaign_that_nobody_knows_asks_for_its_channel(tmp_path: Path) -> None:
    history = "id,updated_at,name,advertising_channel_type\n9,2026-01-01,Spring,HOLOGRAM\n"
    files = {**GOOGLE, "google_ads_campaign_history.csv": history}
    with pytest.raises(SourceError, match=r"channels: 'google_ads/HOLOGRAM' \(1 rows\).* channels = \{ \"google_ads/HOLOGRAM\" = \"…\" \}"):
        read(tmp_path, files)
    read(tmp_path, files, {"channels": {"google_ads/hologram": "paid_video", "google_ads": "paid_search"}})
    assert {name: found["channel"] for name, found in campaigns(tmp_path / "out").items()} == {
        "google_ads:8": "paid_search",
        "google_ads:9": "paid_video",
    }


def test_a_campaign_that_the_history_lost_keeps_its_cost_and_says_the_same_for_ever(tmp_path: Path) -> None:
    files = {**GOOGLE, "google_ads_campaign_history.csv": "id,updated_at,name\n9,2026-01-01,Spring\n"}
    assert read(tmp_path, files) == SPEND
    event = events_of(tmp_path / "out", "campaign")[0]
    assert (event["id"], event["time"], event["data"]["name"]) == ("google_ads:8", "1970-01-01T00:00:00Z", "google_ads:8")
    assert examined("ads", tmp_path / "export").assumed == {
        "campaigns of Google Ads of an unknown kind: channel paid_other": 2,
        "campaigns without a name, named by their id": 1,
    }


# Currencies


def test_an_account_without_a_currency_asks_for_one(tmp_path: Path) -> None:
    files = {name: text for name, text in GOOGLE.items() if "account" not in name}
    with pytest.raises(SourceError, match=r"account_currencies: '1' \(4 rows\)\. Add .* account_currencies = \{ \"1\" = \"…\" \}"):
        read(tmp_path, files)
    for given_, currency in (
        ({"account_currencies": {"1": "SAR"}}, "SAR"),
        ({"account_currencies": {"google_ads": "EUR"}}, "EUR"),
        ({"currency": "USD"}, "USD"),
        ({"currency": "USD", "account_currencies": {"google_ads": "EUR"}}, "EUR"),
    ):
        assert {found[1] for found in read(tmp_path, files, given_).values()} == {currency}


def test_what_the_settings_say_of_an_account_goes_before_its_table_and_the_default_behind_it(tmp_path: Path) -> None:
    assert {found[1] for found in read(tmp_path, GOOGLE, {"currency": "GBP", "account_currencies": {"google_ads": "SEK"}}).values()} == {
        "USD"
    }
    assert {found[1] for found in read(tmp_path, GOOGLE, {"account_currencies": {"1": "GBP"}}).values()} == {"GBP"}


def test_a_currency_that_is_none_is_left_out_until_it_is_mapped(tmp_path: Path) -> None:
    files = {**GOOGLE, "google_ads_account_history.csv": "id,currency_code\n1,CAN\n"}
    done = converted("ads", place(tmp_path / "export", files), tmp_path / "out")
    assert done.events == {"campaign": 2, "spend": 0}
    assert done.left_out == {'costs in CAN, which is no currency; say which in currencies = { CAN = "…" }': 4}
    assert {found[1] for found in read(tmp_path, files, {"currencies": {"CAN": "CAD"}}).values()} == {"CAD"}


def test_a_campaign_that_names_no_account_has_the_currency_of_all_the_others(tmp_path: Path) -> None:
    report = "campaign_id,date,spend,impressions,swipes,_fivetran_synced\nc,2026-01-01 10:00:00,1013488,5,1,2026-01-02\n"
    one = {
        "snapchat_ads_campaign_hourly_report.csv": report,
        "snapchat_ads_ad_account_history.csv": "id,currency,updated_at\na,AED,2025-01-01\nb,AED,2025-01-01\n",
    }
    assert read(tmp_path, one) == {"snapchat_ads:c/2026-01-01": ("1.013488", "AED", 5, 1)}
    assert examined("ads", tmp_path / "export").assumed == {
        "campaigns without a name, named by their id": 1,
        "costs that name no account, in the one currency of their platform's accounts": 1,
    }
    two = {**one, "snapchat_ads_ad_account_history.csv": "id,currency,updated_at\na,AED,2025-01-01\nb,USD,2025-01-01\n"}
    with pytest.raises(SourceError, match=r"account_currencies: 'snapchat_ads' \(1 rows\)"):
        read(tmp_path, two)


def test_two_currencies_are_never_added_up(tmp_path: Path) -> None:
    report = (
        "date,account_id,campaign_id,currency_code,network,spend,_fivetran_synced\n"
        "2026-01-01,1,5,USD,a,1.5,2026-01-03\n2026-01-01,1,5,EUR,b,7,2026-01-02\n2026-01-01,1,5,USD,c,2,2026-01-03\n"
    )
    done = converted("ads", place(tmp_path / "export", {"bing_ads_campaign_performance_daily_report.csv": report}), tmp_path / "out")
    assert spends(tmp_path / "out") == {"microsoft_ads:5/2026-01-01": ("3.5", "USD", None, None)}
    assert done.left_out == {"costs in a second currency of one campaign and day": 1}


# Rows told again, and parts that move


def test_lakes_that_append_hold_a_row_again_and_the_newest_counts(tmp_path: Path) -> None:
    header, *rows = GOOGLE["google_ads_campaign_stats.csv"].splitlines()
    again = rows[0].replace("36150000", "36150001").replace("2026-01-02 10:00:00", "2026-01-05 10:00:00")
    files = {name: text for name, text in GOOGLE.items() if "stats" not in name}
    files |= {
        "google_ads_campaign_stats/1.csv": "\n".join([header, *rows]),
        "google_ads_campaign_stats/2.csv": "\n".join([header, again, rows[2]]),
    }
    done = converted("ads", place(tmp_path / "export", files), tmp_path / "out")
    assert spends(tmp_path / "out") == {**SPEND, "google_ads:9/2026-01-01": ("60.720002", "USD", 150, 7)}
    assert done.left_out == {"rows that were read again later": 1, "rows that are there twice": 1}


def test_rows_of_a_segment_that_nobody_told_of_all_count(tmp_path: Path) -> None:
    """One key, one stamp, other figures: a breakdown by what no column that we know names."""
    report = "campaign_id,date,spend,clicks,browser\n5,2026-01-01,1.10,1,x\n5,2026-01-01,2.20,2,y\n5,2026-01-01,2.30,2,z\n"
    assert read(tmp_path, {"microsoft_ads_campaign_performance_daily_report.csv": report}, {"currency": "USD"}) == {
        "microsoft_ads:5/2026-01-01": ("5.6", "USD", None, 5)
    }


def test_rows_without_a_cost_count_as_zero_and_are_told(tmp_path: Path) -> None:
    report = "id,date,local_spend_amount,local_spend_currency,taps\n5,2026-01-01,,USD,0\n5,2026-01-02,1.25,USD,1\n,2026-01-03,9,USD,9\n"
    done = converted("ads", place(tmp_path / "export", {"apple_search_campaign_report.csv": report}), tmp_path / "out")
    assert spends(tmp_path / "out") == {
        "apple_search_ads:5/2026-01-01": ("0", "USD", None, 0),
        "apple_search_ads:5/2026-01-02": ("1.25", "USD", None, 1),
    }
    assert done.assumed["rows without a cost, which count as 0"] == 1
    assert done.left_out == {"rows without a campaign or a day": 1}


def test_a_row_that_the_source_deleted_counts_zero_and_restates_its_day(tmp_path: Path) -> None:
    report = "campaign_id,date,placement,spend,impressions,_fivetran_deleted,_fivetran_synced\n"
    first = report + "5,2026-01-01,a,1500000,10,false,2026-01-02\n5,2026-01-01,b,2000000,10,false,2026-01-02\n"
    assert read(tmp_path, {"reddit_ads_campaign_report.csv": first}, {"currency": "USD"}) == {
        "reddit_ads:5/2026-01-01": ("3.5", "USD", 20, None)
    }
    deleted = report + "5,2026-01-01,a,1500000,10,true,2026-01-05\n5,2026-01-01,b,2000000,10,false,2026-01-02\n"
    done = converted("ads", place(tmp_path / "export", {"reddit_ads_campaign_report.csv": deleted}), tmp_path / "out", {"currency": "USD"})
    assert spends(tmp_path / "out") == {"reddit_ads:5/2026-01-01": ("2", "USD", 10, None)}
    assert events_of(tmp_path / "out", "spend")[0]["id"] == "reddit_ads:5/2026-01-01@1767571200000"
    assert done.left_out == {"rows that the source deleted, which count as 0": 1}


LINKEDIN = {
    "linkedin_ads_ad_analytics_by_campaign.csv": "campaign_id,day,cost_in_local_currency,cost_in_usd,impressions,clicks,_fivetran_synced\n"
    "11,2026-01-01 00:00:00,50.2,55,125,51,2026-01-02 10:00:00\n12,2026-01-01 00:00:00,10.05,11,20,1,2026-01-02 10:00:00\n",
    "linkedin_ads_campaign_history.csv": "id,campaign_group_id,account_id,last_modified_time,_fivetran_synced\n"
    "11,70,3,2025-12-01,2025-12-02\n12,70,3,2025-12-01,2025-12-02\n",
    "linkedin_ads_campaign_group_history.csv": "id,account_id,name,last_modified_time,run_schedule_start\n"
    "70,3,Group,2025-12-01,2025-12-03 08:00:00\n",
    "linkedin_ads_account_history.csv": "id,currency,last_modified_time\n3,EUR,2025-01-01\n",
}


def test_linkedins_campaign_is_its_group_in_local_currency(tmp_path: Path) -> None:
    assert read(tmp_path, LINKEDIN) == {"linkedin_ads:70/2026-01-01": ("60.25", "EUR", 145, 52)}
    assert campaigns(tmp_path / "out")["linkedin_ads:70"]["name"] == "Group"


def test_a_part_that_moved_takes_its_costs_along_and_the_group_it_left_is_told_again(tmp_path: Path) -> None:
    read(tmp_path, LINKEDIN)
    before = {event["id"]: event for event in events_of(tmp_path / "out", "spend")}
    moved = LINKEDIN["linkedin_ads_campaign_history.csv"] + "12,71,3,2026-01-05,2026-01-06\n12,71,3,2026-01-07,2026-01-08\n"
    assert read(tmp_path, {**LINKEDIN, "linkedin_ads_campaign_history.csv": moved}) == {
        "linkedin_ads:70/2026-01-01": ("50.2", "EUR", 125, 51),
        "linkedin_ads:71/2026-01-01": ("10.05", "EUR", 20, 1),
    }
    after = {event["id"]: event["data"]["revision"] for event in events_of(tmp_path / "out", "spend")}
    assert not before.keys() & after.keys()
    assert set(after.values()) == {1767657600000}  # 6 January, when the move was first read


def test_costs_of_a_part_whose_campaign_is_unknown_are_left_out_and_counted(tmp_path: Path) -> None:
    files = {
        "facebook_ads_basic_ad.csv": "ad_id,date,account_id,spend\n1,2026-01-01,7,5.5\n2,2026-01-01,7,6\n",
        "facebook_ads_ad_history.csv": "id,campaign_id,updated_time\n1,40,2025-12-01\n1,40,2025-12-05\n1,40,2025-12-06\n",
        "facebook_ads_account_history.csv": "id,currency\n7,USD\n",
    }
    done = converted("ads", place(tmp_path / "export", files), tmp_path / "out")
    assert spends(tmp_path / "out") == {"facebook_ads:40/2026-01-01": ("5.5", "USD", None, None)}
    assert done.left_out == {"costs of parts whose campaign the history does not know (facebook_ads)": 1}
    assert events_of(tmp_path / "out", "spend")[0]["id"] == f"facebook_ads:40/2026-01-01@{NEVER}000"


# Airbyte


AIRBYTE = {
    "google_ads/campaign.csv": '"campaign.id","campaign.name","campaign.resource_name","campaign.advertising_channel_type",'
    '"campaign.end_date","segments.date","segments.hour","segments.ad_network_type","metrics.cost_micros","metrics.clicks",'
    "_airbyte_extracted_at\n"
    "9,Spring,customers/1/campaigns/9,PERFORMANCE_MAX,2037-12-30,2026-01-01,0,SEARCH,1500000,1,2026-01-02T00:00:00Z\n"
    "9,Summer,customers/1/campaigns/9,PERFORMANCE_MAX,2037-12-30,2026-01-01,1,SEARCH,2500000,2,2026-01-02T00:00:01Z\n",
    "google_ads/customer.csv": '"customer.id","customer.currency_code","segments.date"\n1,USD,2026-01-01\n2,EUR,2026-01-01\n',
    "facebook_marketing/ads_insights.csv": "account_id,account_currency,ad_id,campaign_id,campaign_name,date_start,date_stop,spend,"
    "impressions,clicks,inline_link_clicks,_airbyte_extracted_at\n"
    "7,GBP,1,40,Reach,2026-01-01,2026-01-01,12.34,100,9,3,2026-01-02T00:00:00Z\n"
    "7,GBP,2,40,Reach,2026-01-01,2026-01-01,0.1,10,,,2026-01-02T00:00:00Z\n",
    "bing_ads/campaign_performance_report_daily.csv": "AccountId,CampaignId,CampaignName,TimePeriod,CurrencyCode,DeviceType,Spend,Clicks,"
    "Impressions,_airbyte_extracted_at\n"
    "5,50,Brand,2026-01-01,CAD,Computer,1.01,1,2,2026-01-02T00:00:00Z\n5,50,Brand,2026-01-01,CAD,Tablet,2.02,1,2,2026-01-02T00:00:00Z\n",
    "linkedin_ads/ad_campaign_analytics.jsonl": "\n".join(
        json.dumps(
            {
                "start_date": "2026-01-01",
                "end_date": "2026-01-01",
                "costInLocalCurrency": "10.123456",
                "clicks": 2,
                "impressions": 30,
                "pivotValues": [f"urn:li:sponsoredCampaign:{campaign}"],
                "_airbyte_extracted_at": "2026-01-02T00:00:00Z",
            }
        )
        for campaign in (11, 12)
    ),
    "linkedin_ads/campaigns.jsonl": "\n".join(
        json.dumps(
            {
                "id": campaign,
                "campaignGroup": "urn:li:sponsoredCampaignGroup:70",
                "account": "urn:li:sponsoredAccount:3",
                "lastModified": "2025-12-01T00:00:00Z",
            }
        )
        for campaign in (11, 12)
    ),
    "linkedin_ads/campaign_groups.jsonl": json.dumps(
        {
            "id": 70,
            "name": "Group",
            "account": "urn:li:sponsoredAccount:3",
            "runSchedule": {"start": 1764720000000, "end": None},
            "lastModified": "2025-12-01T00:00:00Z",
        }
    ),
    "linkedin_ads/accounts.jsonl": json.dumps({"id": 3, "currency": "EUR"}),
    "tiktok_marketing/campaigns_reports_daily.jsonl": json.dumps(
        {
            "campaign_id": 60,
            "stat_time_day": "2026-01-01 00:00:00",
            "metrics": {"spend": "222.12", "impressions": "22222", "clicks": "22"},
            "_airbyte_extracted_at": "2026-01-02T00:00:00Z",
        }
    ),
    "tiktok_marketing/campaigns.jsonl": json.dumps({"campaign_id": 60, "campaign_name": "Dance", "advertiser_id": 6}),
    "tiktok_marketing/advertisers.jsonl": json.dumps({"advertiser_id": 6, "currency": "RUB"}),
}


def test_airbytes_streams_of_five_platforms(tmp_path: Path) -> None:
    assert read(tmp_path, AIRBYTE) == {
        "facebook_ads:40/2026-01-01": ("12.44", "GBP", 110, 3),
        "google_ads:9/2026-01-01": ("4", "USD", None, 3),
        "linkedin_ads:70/2026-01-01": ("20.246912", "EUR", 60, 4),
        "microsoft_ads:50/2026-01-01": ("3.03", "CAD", 4, 2),
        "tiktok_ads:60/2026-01-01": ("222.12", "RUB", 22222, 22),
    }
    found = campaigns(tmp_path / "out")
    assert {name: (one["name"], one["channel"], one.get("starts_on")) for name, one in found.items()} == {
        "facebook_ads:40": ("Reach", "paid_social", None),
        "google_ads:9": ("Summer", "cross_network", None),
        "linkedin_ads:70": ("Group", "paid_social", "2025-12-03"),
        "microsoft_ads:50": ("Brand", "paid_search", None),
        "tiktok_ads:60": ("Dance", "paid_social", None),
    }
    assert events_of(tmp_path / "out", "spend")[1]["id"] == "google_ads:9/2026-01-01@1767312001000"


def test_airbytes_google_without_the_campaigns_customer_has_the_customers_currency(tmp_path: Path) -> None:
    files = {
        "campaign.csv": "campaign_id,segments_date,segments_hour,metrics_cost_micros\n9,2026-01-01,0,1500000\n9,2026-01-01,1,2500000\n",
        "customer.csv": "customer_id,customer_currency_code\n1,USD\n",
    }
    assert read(tmp_path, files) == {"google_ads:9/2026-01-01": ("4", "USD", None, None)}


def test_a_platform_that_two_tools_bring_counts_once(tmp_path: Path) -> None:
    airbyte = {name.replace("google_ads/", "google_ads_"): text for name, text in AIRBYTE.items() if "google" in name}
    done = converted("ads", place(tmp_path / "export", {**GOOGLE, **airbyte}), tmp_path / "out")
    assert spends(tmp_path / "out") == SPEND
    assert done.left_out == {"rows of Airbyte where Fivetran brings the platform": 2}


# Layouts


def columns_turned(text: str) -> str:
    """Return a CSV with its columns from right to left and their names in capital letters."""
    rows = [list(reversed(row)) for row in csv.reader(io.StringIO(text))]
    out = io.StringIO()
    csv.writer(out).writerows([[name.upper() for name in rows[0]], *rows[1:]])
    return out.getvalue()


def lake(tmp_path: Path, files: Mapping[str, str], schema: str, prefix: str) -> str:
    """Put typed tables into a schema of a DuckDB file; return the place."""
    file = tmp_path / "lake.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(f"CREATE SCHEMA {schema}; CREATE SCHEMA other; CREATE TABLE other.account_history (id INT)")
        for name in files:
            source = tmp_path / "plain" / name
            table = name.removesuffix(".csv").removeprefix(prefix)
            con.execute(f"CREATE TABLE {schema}.{table} AS FROM read_csv('{source}')")
    os.utime(file, (NEVER, NEVER))
    return str(file)


@pytest.mark.parametrize("files", [GOOGLE, LINKEDIN], ids=["google", "linkedin"])
def test_every_layout_gives_the_same_bytes(tmp_path: Path, files: Mapping[str, str]) -> None:
    prefix = next(iter(files)).partition("_ads_")[0] + "_ads_"
    platform = prefix.removesuffix("_")
    bare = {name.removeprefix(prefix): text for name, text in files.items()}
    plain = place(tmp_path / "plain", files)
    database = lake(tmp_path, files, platform, prefix)
    places: dict[str, str | Path] = {
        "plain": plain,
        "seeds": place(tmp_path / "seeds", {name.replace(".csv", "_data.csv"): text for name, text in files.items()}),
        "folders": place(tmp_path / "folders", {f"{platform}/{name}": text for name, text in bare.items()}),
        "bare": place(tmp_path / "bare", bare),
        "turned": place(tmp_path / "turned", {name.upper().replace(".CSV", ".csv"): columns_turned(text) for name, text in files.items()}),
        "typed": database,
        "schema": f"{database}#{platform}",
    }
    found = {}
    for name, where in places.items():
        converted("ads", where, tmp_path / "out" / name)
        found[name] = bytes_of(tmp_path / "out" / name)
    assert all(found["plain"].values())
    assert {name for name, one in found.items() if one != found["plain"]} == set()


def test_tables_that_are_called_otherwise_are_named(tmp_path: Path) -> None:
    files = {name.replace("google_ads_", "emea_"): text for name, text in GOOGLE.items()}
    given = {"tables": {f"google_ads_{name}": f"emea_{name}" for name in ("campaign_stats", "campaign_history", "account_history")}}
    assert read(tmp_path, files, given) == SPEND


def test_bare_names_of_two_platforms_are_not_guessed(tmp_path: Path) -> None:
    files = {name.removeprefix("google_ads_"): text for name, text in GOOGLE.items()}
    files |= {"basic_ad.csv": "ad_id,date,spend\n1,2026-01-01,5\n", "ad_history.csv": "id,campaign_id\n1,40\n"}
    with pytest.raises(
        SourceError, match=r"the table campaign_history could be google_ads_campaign_history or facebook_ads_campaign_history"
    ):
        read(tmp_path, files)


# What is missing


def test_a_check_tells_of_the_platforms_that_are_there(tmp_path: Path) -> None:
    seen = examined("ads", place(tmp_path / "export", {**GOOGLE, "google_ads_ad_stats.csv": "id\n1\n"}))
    assert [(table.name, table.missing) for table in seen.tables] == [
        ("google_ads_campaign_stats", ()),
        ("google_ads_campaign_history", ("_fivetran_synced",)),
        ("google_ads_account_history", ("_fivetran_synced",)),
    ]
    assert (seen.unread, seen.unmapped, seen.events) == (("google_ads_ad_stats",), (), {"campaign": 2, "spend": 3})


def test_a_place_without_a_report_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"none of the reports of ad platforms: looked for google_ads_campaign_stats, campaign_stats, .*: x\."
    ):
        read(tmp_path, {"x.csv": "a\n1\n"})
    with pytest.raises(
        SourceError, match=r"has no table google_ads_campaign_stats .*, without which google_ads_campaign_history says nothing"
    ):
        read(tmp_path / "2", {name: text for name, text in GOOGLE.items() if "stats" not in name})


def test_a_history_that_a_report_needs_is_named(tmp_path: Path) -> None:
    files = {name: text for name, text in LINKEDIN.items() if "campaign_history" not in name}
    with pytest.raises(
        SourceError, match=r"has no table linkedin_ads_campaign_history .*, without which linkedin_ads_ad_analytics_by_campaign"
    ):
        read(tmp_path, files)


DECLARED = adapter("ads").tables


@pytest.mark.parametrize("name", DECLARED)
def test_each_required_column_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    """Every table alone, with the tables it cannot be without, and all its required columns but one."""
    table = DECLARED[name]
    company = {name, *table.needs, *([table.beside] if table.beside else [])}
    company |= {other for one in company for other in DECLARED[one].needs}
    whole = {f"{one}.csv": ",".join(DECLARED[one].required) + "\n" for one in company}
    for column in table.required:
        files = {**whole, f"{name}.csv": ",".join(["else", *(one for one in table.required if one != column)]) + "\n"}
        with pytest.raises(SourceError, match=rf"the table {name} has no column {column}\b") as raised:
            read(tmp_path / column, files)
        assert "\n" not in str(raised.value)


# Properties


segments = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from(["MOBILE", "DESKTOP", "TABLET"]),
        st.sampled_from(["SEARCH", "CONTENT"]),
        st.integers(-(10**9), 10**12),
    ),
    unique_by=lambda row: row[:4],
    min_size=1,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=segments, data=st.data())
def test_any_segments_in_any_order_are_one_exact_sum(
    tmp_path: Path, rows: list[tuple[int, int, str, str, int]], data: st.DataObject
) -> None:
    truth: dict[str, Fraction] = defaultdict(Fraction)
    for campaign, day, _, _, micros in rows:
        truth[f"google_ads:{campaign}/2026-01-0{day}"] += Fraction(micros, 10**6)
    found = []
    for order in (rows, data.draw(st.permutations(rows))):
        lines = [f"1,{campaign},2026-01-0{day},{device},{network},{micros},2026-01-09" for campaign, day, device, network, micros in order]
        header = "customer_id,id,date,device,ad_network_type,cost_micros,_fivetran_synced"
        read(tmp_path, {"google_ads_campaign_stats.csv": "\n".join([header, *lines])}, {"currency": "USD"})
        found.append(bytes_of(tmp_path / "out"))
        assert {name: Fraction(amount) for name, (amount, *_) in spends(tmp_path / "out").items()} == truth
    assert found[0] == found[1]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[int, list[tuple[int, int]]], dict[tuple[int, int], list[tuple[int, int]]], list[int]]:
    """Return moves of campaigns between groups, costs of campaigns and days as they were restated, and when it is all exported."""
    moments = st.integers(1, 20)
    versions = st.lists(st.tuples(moments, st.integers(1, 10**9)), min_size=1, max_size=3, unique_by=lambda version: version[0])
    moves = {campaign: [(0, draw(st.integers(70, 72)))] for campaign in (11, 12, 13)}
    for campaign in moves:
        moves[campaign] += sorted(draw(st.lists(st.tuples(moments, st.integers(70, 72)), max_size=2, unique_by=lambda move: move[0])))
    costs_ = {(campaign, day): sorted(draw(versions)) for campaign in moves for day in (1, 2)}
    return moves, costs_, draw(st.lists(moments, min_size=1, max_size=3))


def exported(
    moves: Mapping[int, list[tuple[int, int]]], told: Mapping[tuple[int, int], list[tuple[int, int]]], when: int
) -> dict[str, str]:
    history = [
        f"{campaign},{group},3,2026-02-{moment + 1:02} 00:00:00,2026-02-{moment + 1:02} 06:00:00"
        for campaign, versions in moves.items()
        for moment, group in versions
        if moment <= when
    ]
    report = [
        f"{campaign},2026-01-0{day},{Decimal(micros) / 10**6},2026-02-{moment + 1:02} 12:00:00"
        for (campaign, day), versions in told.items()
        for moment, micros in [version for version in versions if version[0] <= when][-1:]
    ]
    return {
        "linkedin_ads_campaign_history.csv": "\n".join(["id,campaign_group_id,account_id,last_modified_time,_fivetran_synced", *history]),
        "linkedin_ads_ad_analytics_by_campaign.csv": "\n".join(["campaign_id,day,cost_in_local_currency,_fivetran_synced", *report]),
    }


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_exports_at_any_time_are_one_truth(tmp_path: Path, world: tuple[Any, Any, list[int]]) -> None:
    """No id says two things, whenever it was exported; and the newest of each campaign and day add up to what is true."""
    moves, told, times = world
    known: dict[str, dict[str, Any]] = {}
    for when in (*times, 20):
        read(tmp_path, exported(moves, told, when), {"currency": "USD"})
        for event in events_of(tmp_path / "out", "spend"):
            assert known.setdefault(event["id"], event) == event
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for event in sorted(known.values(), key=lambda event: (event["data"]["revision"], event["id"])):
        newest[event["data"]["campaign_id"], event["data"]["starts_on"]] = event["data"]
    truth: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (campaign, day), versions in told.items():
        truth[f"linkedin_ads:{moves[campaign][-1][1]}", f"2026-01-0{day}"] += Decimal(versions[-1][1]) / 10**6
    assert {key: Decimal(data["amount"]) for key, data in newest.items() if data["amount"] != "0"} == truth


# The real exports of eleven platforms


KNOWN = {"currency": "USD", "currencies": {"CAN": "CAD"}}


@pytest.fixture(scope="module")
def eleven(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eleven")
    done = converted("ads", sample_data / "ad_spend", out, KNOWN)
    assert done.events == {"campaign": 79, "spend": 564}
    assert done.left_out == {}
    return out


@pytest.fixture(scope="module")
def expected(sample_data: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((sample_data / "adapters" / "ads" / "expected_spend.json").read_text("utf-8"))
    return found


def test_every_platforms_days_and_sum_are_exact(eleven: Path, expected: dict[str, dict[str, Any]]) -> None:
    days: dict[str, int] = defaultdict(int)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    names: dict[str, set[str]] = defaultdict(set)
    for event in events_of(eleven, "spend"):
        platform = event["data"]["campaign_id"].partition(":")[0]
        days[platform] += 1
        amounts[platform] += Decimal(event["data"]["amount"])
        names[platform].add(event["data"]["campaign_id"])
    assert len(expected) == 11
    for platform, figures in expected.items():
        found = (days[platform], amounts[platform], len(names[platform]))
        assert found == (figures["campaign_days"], Decimal(figures["exact"]), figures["campaigns"]), platform
    assert days["microsoft_ads"] == 403  # of 2,630 rows


def test_eleven_platforms_turned_around_or_typed_give_the_same_bytes(sample_data: Path, tmp_path: Path) -> None:
    for name in ("plain", "turned", "typed"):
        (tmp_path / name).mkdir()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for file in sorted((sample_data / "ad_spend").glob("*.csv")):
            text = file.read_text("utf-8-sig")
            (tmp_path / "plain" / file.name).write_text(text, "utf-8")
            (tmp_path / "turned" / file.name).write_text(columns_turned(text), "utf-8")
            con.execute(f"COPY (FROM read_csv('{file}', header = true, sample_size = -1)) TO '{tmp_path}/typed/{file.stem}.parquet'")
    for file in tmp_path.glob("*/*"):
        os.utime(file, (NEVER, NEVER))
    found = []
    for name in ("plain", "turned", "typed"):
        assert converted("ads", tmp_path / name, tmp_path / "out" / name, KNOWN).events == {"campaign": 79, "spend": 564}
        found.append(bytes_of(tmp_path / "out" / name))
    assert found[0] == found[1] == found[2]


def test_tiktoks_can_is_left_out_until_it_is_mapped(sample_data: Path, tmp_path: Path) -> None:
    done = converted("ads", sample_data / "ad_spend", tmp_path, {"currency": "USD"})
    assert done.left_out == {'costs in CAN, which is no currency; say which in currencies = { CAN = "…" }': 1}
    tiktok = {name: found[:2] for name, found in spends(tmp_path).items() if name.startswith("tiktok_ads:")}
    assert tiktok == {
        "tiktok_ads:1/2021-09-15": ("222.12", "USD"),
        "tiktok_ads:3/2021-09-15": ("222.22", "USD"),
        "tiktok_ads:4/2021-09-15": ("0.232", "USD"),
    }


def test_accounts_that_say_no_currency_are_all_named(sample_data: Path) -> None:
    assert examined("ads", sample_data / "ad_spend").unmapped == (
        ("account_currencies", "1700252260223815", 10),
        ("account_currencies", "3", 1),
        ("account_currencies", "4", 1),
        ("account_currencies", "5497642", 5),
        ("account_currencies", "snapchat_ads", 10),
    )


def test_books_of_eleven_platforms(sample_data: Path, eleven: Path, tmp_path: Path) -> None:
    """Cost per campaign to the last digit; the same export again lands nothing; a newer one replaces."""
    config = Config(
        reporting=Reporting(currency="USD", fx_policy="fixed", fixed_rates={"CAD/USD": Decimal(1)}),
        attribution=Attribution(models=("linear",), default_model="linear"),
        warehouse=Warehouse(path=str(tmp_path / "warehouse.duckdb")),
    )
    truth: dict[str, Decimal] = defaultdict(Decimal)
    for event in events_of(eleven, "spend"):
        truth[event["data"]["campaign_id"]] += Decimal(event["data"]["amount"])
    assert landed(eleven, config) == (643, 0, 0, 0)
    booked = {name: cost.quantize(Decimal("0.01")) for name, cost in truth.items()}
    assert costs(config) == (truth, booked)

    converted("ads", sample_data / "ad_spend", tmp_path / "again", KNOWN)
    assert landed(tmp_path / "again", config) == (0, 643, 0, 0)

    stats = (sample_data / "ad_spend" / "google_ads_campaign_stats_data.csv").read_text("utf-8")
    newer = stats.replace("2021-06-29 17:10:11", "2021-07-29 17:10:11").replace("36150000", "37160000")
    converted("ads", place(tmp_path / "newer", {"google_ads_campaign_stats.csv": newer}), tmp_path / "restated", KNOWN)
    facts, duplicates, conflicts, dead = landed(tmp_path / "restated", config)
    assert (facts > 1, facts + duplicates, conflicts, dead) == (True, 17, 0, 0)
    assert costs(config)[1] == {**booked, "google_ads:9935249409": Decimal("232.34")}  # 231.33 and 1.01


def landed(directory: Path, config: Config) -> tuple[int, int, int, int]:
    read = backfill(directory, config).read
    return read.facts, read.duplicates, read.conflicts, read.dead_letters


def costs(config: Config) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Return what each campaign cost as it was told, and as the books have it."""
    with open_reader(config.warehouse.path) as con:
        told = con.execute("SELECT campaign_id, sum(amount) FROM ledger.current_spend GROUP BY campaign_id").fetchall()
        booked = con.execute("SELECT campaign_id, sum(cost_reporting) FROM core.cost_daily GROUP BY campaign_id").fetchall()
    return dict(told), dict(booked)
