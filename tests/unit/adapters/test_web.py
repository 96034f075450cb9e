"""Segment, Snowplow and GA4: which page views are touches, of which channel and campaign, and who is whom."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adapters import adapter
from nisba.errors import SourceError
from tests.unit.adapters.running import converted, events_of

PAGES = "id,anonymous_id,user_id,timestamp,received_at,url,referrer,context_user_agent"


def touches_of(out: Path) -> dict[str, dict[str, Any]]:
    return {event["id"]: event["data"] for event in events_of(out, "touch")}


def seen(tmp_path: Path, *pages: str, files: dict[str, str] | None = None, **settings: Any) -> dict[str, dict[str, Any]]:
    """Convert pages of Segment, each `url,referrer`, one an hour; return the touches by the number of their page."""
    where = tmp_path / "export"
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir()
    rows = [f"{n},v,,2026-03-01T{n % 24:02}:00:00Z,2026-03-01T23:00:00Z,{page},Mozilla/5.0" for n, page in enumerate(pages)]
    (where / "pages.csv").write_text("\n".join((PAGES, *rows)) + "\n", "utf-8")
    for name, text in (files or {}).items():
        (where / name).write_text(text, "utf-8")
    return touches_of(converted("segment", where, tmp_path / "out", settings).directory)


@pytest.mark.parametrize(
    ("page", "channel"),
    [
        ("https://a.example/?gclid=x&utm_medium=organic&utm_source=google,https://www.google.com/", "paid_search"),
        ("https://a.example/?gbraid=x,", "paid_search"),
        ("https://a.example/?wbraid=x,", "paid_search"),
        ("https://a.example/?a=1&msclkid=x,", "paid_search"),
        ("https://a.example/?dclid=x,", "display"),
        ("https://a.example/?ttclid=x,", "paid_social"),
        ("https://a.example/?twclid=x,", "paid_social"),
        ("https://a.example/?li_fat_id=x,", "paid_social"),
        ("https://a.example/?rdt_cid=x,", "paid_social"),
        ("https://a.example/?ScCid=x,", "paid_social"),
        ("https://a.example/?epik=x,", "paid_social"),
        ("https://a.example/?fbclid=x,https://l.facebook.com/", "organic_social"),
        ("https://a.example/?gclid=,", "direct"),
        ("https://a.example/#?gclid=x,", "direct"),
        ("https://a.example/?utm_source=linkedin&utm_medium=paid-social,", "paid_social"),
        ("https://a.example/?utm_source=chatgpt.com,https://chatgpt.com/", "ai_assistant"),
        ("https://a.example/?utm_source=News%20letter&utm_medium=E-Mail,", "email"),
        ("https://a.example/,https://www.google.co.uk/search?q=secret", "organic_search"),
        ("https://a.example/,https://uk.search.yahoo.com/", "organic_search"),
        ("https://a.example/,android-app://com.google.android.gm/", "email"),
        ("https://a.example/,https://mail.google.com/", "email"),
        ("https://a.example/,https://old.reddit.com/r/x", "organic_social"),
        ("https://a.example/,https://gemini.google.com/", "ai_assistant"),
        ("https://a.example/,https://docs.google.com/", "referral"),
        ("https://a.example/,$direct", "direct"),
        ("https://a.example/,", "direct"),
    ],
)
def test_a_page_view_has_the_channel_of_the_first_rule_that_holds(tmp_path: Path, page: str, channel: str) -> None:
    assert seen(tmp_path, page)["0"]["channel"] == channel


def test_who_comes_from_inside_has_only_gone_on(tmp_path: Path) -> None:
    pages = (
        "https://www.a.example/b,https://a.example/",
        "https://a.example/,https://shop.other.example/",
        "https://a.example/,https://notother.example/",
        "https://a.example/?utm_source=letter,https://pay.example/",
    )
    found = seen(tmp_path, *pages, internal_hosts=["Other.example"], excluded_referrers=["pay.example"])
    assert {number: data["channel"] for number, data in found.items()} == {"2": "referral", "3": "unassigned"}


def test_a_page_keeps_no_words_of_people(tmp_path: Path) -> None:
    found = seen(tmp_path, "https://a.example/b?email=ana@x.example#top,https://www.google.com/search?q=secret")["0"]
    assert (found["url"], found["referrer"]) == ("https://a.example/b", "https://www.google.com/search")


def test_channels_of_the_firm_go_before_the_rules_of_google(tmp_path: Path) -> None:
    channels = {"Partner/Banner": "partner", "blog.p.example/referral": "partner_blog"}
    found = seen(
        tmp_path,
        "https://a.example/?utm_source=partner&utm_medium=banner,",
        "https://a.example/,https://blog.p.example/",
        channels=channels,
    )
    assert [data["channel"] for data in found.values()] == ["partner", "partner_blog"]


@pytest.mark.parametrize(
    ("query", "campaign"),
    [
        ("utm_source=google&utm_campaign=Brand", "utm:brand"),
        ("utm_source=google&utm_campaign=(not%20set)", None),
        ("utm_source=x&utm_campaign=fair_701Ac0000000001IAA_de", "701Ac0000000001IAA"),
        ("utm_source=x&utm_campaign=701Ac0000000001", "701Ac0000000001IAA"),
        ("utm_source=LinkedIn&utm_campaign=CFO&utm_id=4711", "linkedin_ads:4711"),
        ("utm_source=newsletter&utm_campaign=May&utm_id=4711", "utm:may"),
        ("gclid=x&gad_campaignid=99", "google_ads:99"),
        ("utm_source=facebook&hsa_cam=12&utm_campaign=z", "facebook_ads:12"),
        ("utm_source=bing&utm_campaign=Own&utm_content=one", "c-1"),
        ("utm_source=bing&utm_campaign=own&utm_content=two", "c-2"),
        ("utm_source=google&utm_campaign=Spring Sale", "google_ads:5"),
        ("utm_source=bing&utm_campaign=Spring Sale", "utm:spring sale"),
        ("utm_source=x&utm_campaign=Landing", "google_ads:6"),
    ],
)
def test_a_campaign_is_found_by_the_first_answer(tmp_path: Path, query: str, campaign: str | None) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("source,campaign,content,campaign_id\nbing,own,one,c-1\n,own,,c-2\n", "utf-8")
    reports = {
        "campaign_report.csv": "platform,campaign_id,campaign_name\ngoogle_ads,5,Spring sale\n",
        "url_report.csv": "platform,campaign_id,campaign_name,base_url,utm_campaign\ngoogle_ads,6,Six,https://a.example/,landing\n",
    }
    found = seen(tmp_path, f"https://a.example/?{query},", files=reports, campaign_map=str(answers))
    assert found["0"].get("campaign_id") == campaign


def test_two_answers_for_one_link_are_an_error(tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("source,campaign,content,campaign_id\nbing,own,,c-1\nbing,Own,,c-2\n", "utf-8")
    with pytest.raises(SourceError, match="campaign_map: two campaigns for bing/own"):
        seen(tmp_path, "https://a.example/?utm_campaign=own,", campaign_map=str(answers))


def test_a_row_of_the_map_without_a_campaign_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("source,campaign,content,campaign_id\npartner,,,c-1\n", "utf-8")
    with pytest.raises(SourceError, match="campaign_map: the row for c-1 names no campaign"):
        seen(tmp_path, "https://a.example/?utm_source=partner&utm_campaign=x,", campaign_map=str(tmp_path / "map.csv"))


def test_a_single_page_application_keeps_its_first_referrer(tmp_path: Path) -> None:
    where = tmp_path / "export"
    where.mkdir()
    times = ("09:00", "09:10", "10:30", "10:31")
    rows = [f"m{n},v,,2026-03-01T{at}:00Z,,https://a.example/,https://b.example/,x" for n, at in enumerate(times)]
    (where / "pages.csv").write_text("\n".join((PAGES, *rows)), "utf-8")
    done = converted("segment", where, tmp_path / "out", {"spa": True})
    assert list(touches_of(done.directory)) == ["m0", "m2"]
    assert done.left_out == {"pages of a single-page application that keep a referrer": 2}


def test_segment_by_hand(sample_data: Path, tmp_path: Path) -> None:
    folder = sample_data / "adapters" / "web" / "segment_hand"
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    done = converted("segment", folder, tmp_path, expected["settings"])
    found = touches_of(done.directory)
    assert {number: data["channel"] for number, data in found.items() if number != "t1"} == expected["touches_from_pages"]
    assert {number: data["campaign_id"] for number, data in found.items() if "campaign_id" in data} == expected["campaign_id"]
    assert (found["t1"]["kind"], found["t1"]["channel"]) == ("demo", "organic_search")
    assert done.left_out == expected["left_out"]
    links = {
        tuple(f"{side['kind']} {side['id']}" for side in (e["data"]["left"], e["data"]["right"])) for e in events_of(tmp_path, "identity")
    }
    assert links == {
        ("visitor an-1", "person u-1"),
        ("visitor an-3", "person u-7"),
        ("person u-1", "person email:bb03ba1becc024164cf08e371385b735"),
        ("person u-1", "account 001Ac0000000001IAA"),
        ("person u-01", "person u-1"),
    }


def test_messages_of_a_webhook_are_the_same_as_tables(tmp_path: Path) -> None:
    where = tmp_path / "export"
    where.mkdir()
    page = {"url": "https://a.example/?utm_source=google&utm_medium=cpc", "referrer": ""}
    base = {"anonymousId": "v", "timestamp": "2026-03-01T09:00:00.500Z"}
    messages = [
        base | {"type": "page", "messageId": "m1", "context": {"page": page, "userAgent": "Mozilla/5.0"}},
        base | {"type": "identify", "messageId": "m2", "userId": 12, "traits": {"email": " Ana@x.example"}},
        base | {"type": "track", "messageId": "m3", "event": "Demo Requested", "userId": "u"},
        base | {"type": "delete", "messageId": "m4"},
    ]
    (where / "messages.jsonl").write_text("".join(json.dumps(one) + "\n" for one in messages), "utf-8")
    done = converted("segment", where, tmp_path / "out", {"track_kinds": {"demo_requested": "demo"}})
    assert {number: (data["channel"], data["kind"]) for number, data in touches_of(done.directory).items()} == {
        "m1": ("paid_search", "visit"),
        "m3": ("paid_search", "demo"),
    }
    assert [event["id"] for event in events_of(done.directory, "identity")] == ["m2/email", "m2/person"]
    assert done.left_out == {"messages of another type": 1}


def test_snowplow_by_its_own_test(sample_data: Path, tmp_path: Path) -> None:
    done = converted("snowplow", sample_data / "adapters" / "web" / "snowplow", tmp_path)
    channels = [data["channel"] for data in touches_of(done.directory).values()]
    assert sorted(channels) == ["direct", "direct", "direct", "organic_search", "organic_social", "unassigned"]
    assert done.left_out == {"page pings": 2, "internal or excluded referrer": 1}
    assert touches_of(done.directory)["0dffe9e5-6865-4a43-b50f-e3c64becdf49"]["campaign_id"] == "utm:campaign_1"


def test_an_enriched_file_has_no_header(sample_data: Path, tmp_path: Path) -> None:
    table = sample_data / "adapters" / "web" / "snowplow"
    where = tmp_path / "export"
    where.mkdir()
    order = adapter("snowplow").tables["events"].headless
    there = {name for name, *_ in duckdb.sql(f"DESCRIBE FROM '{table}/event/*.csv'").fetchall()}
    columns = ", ".join(f'"{name}"' if name in there else "NULL" for name in order)
    rows = f"SELECT {columns} FROM read_csv('{table}/event/*.csv', all_varchar = true)"
    duckdb.sql(f"COPY ({rows}) TO '{where}/enriched.tsv' (HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '')")
    bare, whole = converted("snowplow", where, tmp_path / "bare"), converted("snowplow", table, tmp_path / "whole")
    for file in whole.directory.glob("*.jsonl"):
        assert (bare.directory / file.name).read_bytes() == file.read_bytes()


def test_google_channels(sample_data: Path, tmp_path: Path) -> None:
    cases = json.loads((sample_data / "adapters" / "web" / "ga4" / "channel_cases.json").read_text("utf-8"))
    where = tmp_path / "export"
    where.mkdir()
    columns = "id,anonymous_id,timestamp,url,referrer,context_campaign_source,context_campaign_medium,context_campaign_name"
    rows = [f"{n},v,2026-03-01,,,{case['source']},{case['medium']},{case['campaign']}" for n, case in enumerate(cases)]
    (where / "pages.csv").write_text("\n".join((columns, *rows)), "utf-8")
    found = touches_of(converted("segment", where, tmp_path / "out").directory)
    words = {"mobile_push_notifications": "push"}
    expected = {str(n): case["expected_channel"].lower().replace("-", "_").replace(" ", "_") for n, case in enumerate(cases)}
    wrong = {n for n, channel in expected.items() if found[n]["channel"] != words.get(channel, channel)}
    assert [cases[int(n)]["source"] for n in wrong] == ["alibaba"]


def bigquery(folder: Path) -> None:
    """Write a day and the day that goes on, as BigQuery exports them to JSON, and the same as Parquet."""
    start = 1_772_355_600_000_000
    base: dict[str, Any] = {"stream_id": "77", "event_bundle_sequence_id": "1", "traffic_source": {"source": "old"}}

    def event(after: int, name: str, visitor: str, **params: str) -> dict[str, Any]:
        values = [{"key": key, "value": {"string_value": value}} for key, value in params.items()]
        values.append({"key": "ga_session_id", "value": {"int_value": "5"}})
        return base | {"event_timestamp": str(start + after), "event_name": name, "user_pseudo_id": visitor, "event_params": values}

    home = "https://a.example/"
    day = [
        event(0, "page_view", "p1", page_location=f"{home}?gclid=x&gad_campaignid=99")
        | {"collected_traffic_source": {"manual_medium": "organic"}},
        event(60_000_000, "page_view", "p1", page_location=f"{home}b", page_referrer=home) | {"user_id": "u1"},
        event(90_000_000, "generate_lead", "p1", page_location=f"{home}b"),
        event(99_000_000, "page_view", "p2", page_location=home, page_referrer="https://duckduckgo.com/"),
    ]
    now = [day[-1], event(100_000_000, "session_start", "p3")]
    value = "STRUCT(string_value VARCHAR, int_value BIGINT, double_value DOUBLE)"
    types = {"event_timestamp": "BIGINT", "event_params": f"STRUCT(key VARCHAR, value {value})[]", "user_id": "VARCHAR"}
    types |= dict.fromkeys(("stream_id", "event_name", "user_pseudo_id"), "VARCHAR") | {"event_bundle_sequence_id": "BIGINT"}
    types |= {"collected_traffic_source": "STRUCT(manual_medium VARCHAR)"}
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
    for name in ("json", "parquet", "twice"):
        (folder / name).mkdir()
    for name, events in (("events_20260301", day), ("events_intraday_20260302", now)):
        file = folder / "json" / f"{name}.json"
        file.write_text("".join(json.dumps(one) + "\n" for one in events), "utf-8")
        rows = f"read_json('{file}', columns = {{{columns}}})"
        twice = "{'list': list_transform(event_params, lambda p: {'element': p})}"
        duckdb.sql(f"COPY (FROM {rows}) TO '{folder}/parquet/{name}.parquet'")
        duckdb.sql(f"COPY (SELECT * REPLACE ({twice} AS event_params) FROM {rows}) TO '{folder}/twice/{name}.parquet'")


def test_every_layout_of_bigquery_is_one(tmp_path: Path) -> None:
    bigquery(tmp_path)
    settings = {"track_kinds": {"generate_lead": "form"}}
    done = {name: converted("ga4", tmp_path / name, tmp_path / f"out-{name}", settings) for name in ("json", "parquet", "twice")}
    found = [
        (data["visitor_id"], data["kind"], data["channel"], data.get("campaign_id")) for data in touches_of(done["json"].directory).values()
    ]
    assert sorted(found, key=str) == [
        ("p1", "form", "paid_search", "google_ads:99"),
        ("p1", "visit", "paid_search", "google_ads:99"),
        ("p2", "visit", "organic_search", None),
    ]
    assert done["json"].left_out == {"events exported twice": 1, "internal or excluded referrer": 1, "other events without a kind": 1}
    for name in ("parquet", "twice"):
        assert (done[name].directory / "marketing.touch.jsonl").read_bytes() == (
            done["json"].directory / "marketing.touch.jsonl"
        ).read_bytes()
        assert (done[name].directory / "identity.jsonl").read_bytes() == (done["json"].directory / "identity.jsonl").read_bytes()


def test_what_fivetran_exports_of_google(sample_data: Path, tmp_path: Path) -> None:
    where = tmp_path / "export"
    where.mkdir()
    shutil.copyfile(sample_data / "adapters" / "web" / "ga4" / "fivetran_event_data.csv", where / "event.csv")
    done = converted("ga4", where, tmp_path / "out", {"track_kinds": {"purchase": "order"}})
    assert {number: (data["kind"], data["channel"]) for number, data in touches_of(done.directory).items()} == {"1": ("order", "website")}
    assert len(events_of(done.directory, "identity")) == 4
    assert done.left_out == {"other events without a kind": 5}


@pytest.mark.parametrize("column", ["id", "anonymous_id", "timestamp", "url", "referrer"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    (tmp_path / "pages.csv").write_text(PAGES.replace(column, "x", 1) + "\n1,v,,2026-03-01,,,,\n", "utf-8")
    with pytest.raises(SourceError, match=f"the table pages has no column {column}"):
        converted("segment", tmp_path, tmp_path / "out")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("id\n1\n", "utf-8")
    with pytest.raises(SourceError, match=r"has no table pages \(looked for pages, page\), and no messages; there are: tracks"):
        converted("segment", tmp_path, tmp_path / "out")
