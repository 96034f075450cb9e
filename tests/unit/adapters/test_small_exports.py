"""Each adapter on an export small enough to read: every quirk of its source in a row of its own, every event by hand."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import Conversion
from nisba.errors import SourceError
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.running import converted

Table = tuple[str, list[str]]  # a header, and rows
Export = Mapping[str, Table]

LEADS, WON = "olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv"
SELLERS, ITEMS = "olist_sellers_dataset.csv", "closed_deal_sellers_order_items.csv"
PIPELINE = "sales_pipeline.csv"

OLIST: Export = {
    LEADS: (
        "mql_id,first_contact_date,landing_page_id,origin",
        [
            "m1,2017-10-14,page-a,paid_search",
            "m2,2017-10-15,page-a,direct_traffic",
            "m3,2017-10-16,page-a,direct_traffic",
            "m4,2018-02-17,page-b,unknown",
            "m5,2018-02-18,page-b,",
            "m6,2018-03-01,page-c,social",
            "m7,2018-03-02,page-c,email",
        ],
    ),
    WON: (
        "mql_id,seller_id,sdr_id,sr_id,won_date,business_segment,lead_type,declared_monthly_revenue",
        [
            "m1,s1,d1,r1,2017-11-01 02:00:00,pet,online_big,0.0",
            "m4,s2,d1,r2,2018-02-15 17:30:00,toys,online_big,50000000.0",
            "m6,s3,d1,r1,2018-04-05 03:00:00,watches,offline,0.0",
            "m9,s9,d1,r1,2018-04-05 03:00:00,watches,offline,0.0",
        ],
    ),
    SELLERS: ("seller_id,seller_zip_code_prefix,seller_city,seller_state", ["s1,1,Campinas,SP", "s2,2,Rio,RJ"]),
    ITEMS: (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
        ["o1,1,p,s1,2018-01-01,0.10,1", "o1,2,p,s1,2018-01-01,0.20,1", "o2,1,p,s2,2018-01-01,22.90,1", "o3,1,p,s7,2018-01-01,5,1"],
    ),
}
MAVEN: Export = {
    PIPELINE: (
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value",
        [
            "W,Ann,GTXPro,Acme,Won,10/20/2016,3/1/2017,1054",
            "L,Ann,MG Special,Acme,Lost,12/31/2016,1/1/2017,0",
            "E,Zoe,MG Special,,Engaging,2/28/2017,,",
            "F,Ann,MG Special,,Engaging,2/28/2017,,",
            "P,Bob,MG Special,,Prospecting,,,",
            "Q,Bob,MG Special,Acme,Prospecting,,,",
            "U,Ann,Unlisted,Nowhere,Won,1/2/2017,1/3/2017,7",
        ],
    ),
    "accounts.csv": (
        "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
        ["Acme,technolgy,1990,1,1,Kenya,Parent", "Parent,retail,1980,9,9,Kenya,"],
    ),
    "products.csv": ("product,series,sales_price", ["GTX Pro,GTX,4821", "MG Special,MG,55"]),
    "sales_teams.csv": ("sales_agent,manager,regional_office", ["Ann,Dee,Central", "Bob,Dee,West"]),
}
EXPORTS = {"olist": OLIST, "maven_crm": MAVEN}


def written(folder: Path, export: Export) -> Path:
    folder.mkdir(exist_ok=True)
    for name, (header, lines) in export.items():
        (folder / name).write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return folder


def changed(export: Export, name: str, header: str | None = None, rows: list[str] | None = None) -> Export:
    before = export[name]
    return {**export, name: (before[0] if header is None else header, before[1] if rows is None else rows)}


def events(done: Conversion) -> dict[str, dict[str, Any]]:
    """Return the events by their ids; no two have the same one."""
    lines = [line for file in sorted(done.directory.glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    found = {event["id"]: event for event in map(msgspec.json.decode, lines)}
    assert len(found) == len(lines) == sum(done.events.values())
    return found


@pytest.fixture(scope="module")
def olist(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    folder = tmp_path_factory.mktemp("olist")
    return converted("olist", written(folder / "export", OLIST), folder / "out")


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    folder = tmp_path_factory.mktemp("maven")
    return converted("maven_crm", written(folder / "export", MAVEN), folder / "out")


def test_every_event_is_one_by_the_contract(olist: Conversion, maven: Conversion) -> None:
    for done in (olist, maven):
        for file in done.directory.glob("*.jsonl"):
            lines: list[bytes | None] = [*file.read_bytes().splitlines()]
            absent = [None] * len(lines)
            result = decode_block(RecordBlock(file.stem, 0, list(range(len(lines))), lines, [*absent], [*absent], [*absent]))
            assert result.dead_letters["message"].to_pylist() == []
            assert sum(table.num_rows for table in result.facts.values()) == len(lines) > 0


def test_olist_counts_what_it_writes_and_what_it_leaves_out(olist: Conversion) -> None:
    assert olist.events == {"campaign": 3, "deal": 3, "lead_stage": 7 + 4, "touch": 7}
    assert olist.left_out == {"closed deals of unknown leads": 1, "order items of sellers without a closed deal": 1}


@pytest.mark.parametrize(
    ("lead", "time", "why"),
    [
        ("m1", "2017-10-14T00:00:00-03:00", "the day before summer time"),
        ("m2", "2017-10-15T00:00:00-03:00", "its first day begins an hour late: 03:00 UTC all the same"),
        ("m3", "2017-10-16T00:00:00-02:00", "summer"),
        ("m4", "2018-02-17T00:00:00-02:00", "the last day that begins in summer time"),
        ("m5", "2018-02-18T00:00:00-03:00", "winter"),
    ],
)
def test_olist_days_begin_in_sao_paulo(olist: Conversion, lead: str, time: str, why: str) -> None:
    found = events(olist)
    assert found[f"contact/{lead}"]["time"] == found[f"{lead}/mql"]["time"] == time, why


@pytest.mark.parametrize(
    ("lead", "channel"),
    [("m1", "paid_search"), ("m2", "direct"), ("m4", "unknown"), ("m5", "not_recorded"), ("m6", "social")],
)
def test_olist_knows_two_ways_of_not_knowing_the_channel(olist: Conversion, lead: str, channel: str) -> None:
    assert events(olist)[f"contact/{lead}"]["data"] == {
        "person_id": lead,
        "channel": channel,
        "kind": "form",
        "team": "marketing",
        "campaign_id": {"m1": "page-a", "m2": "page-a", "m4": "page-b", "m5": "page-b", "m6": "page-c"}[lead],
    }


@pytest.mark.parametrize(
    ("page", "channel", "starts_on", "ends_on"),
    [
        ("page-a", "direct", "2017-10-14", "2017-10-16"),
        ("page-b", "not_recorded", "2018-02-17", "2018-02-18"),
        ("page-c", "email", "2018-03-01", "2018-03-02"),
    ],
    ids=["the channel of most", "a tie, one of them not recorded", "a tie goes to the first by name"],
)
def test_olist_landing_pages_are_its_campaigns(olist: Conversion, page: str, channel: str, starts_on: str, ends_on: str) -> None:
    event = events(olist)[f"landing-page/{page}"]
    assert event["data"] == {
        "campaign_id": page,
        "name": f"Landing page {page[:8]}",
        "channel": channel,
        "campaign_type": "landing_page",
        "starts_on": starts_on,
        "ends_on": ends_on,
    }
    assert (event["type"], event["time"]) == ("nisba.campaign.v1", f"{starts_on}T00:00:00Z")


def test_olist_deal_by_hand(olist: Conversion) -> None:
    """0.10 and 0.20 are 0.30 exactly; 02:00 UTC is a midnight of the summer, and stays the instant it is."""
    event = events(olist)["m1/won"]
    assert (event["type"], event["source"], event["time"]) == ("nisba.deal.v1", "olist", "2017-11-01T02:00:00Z")
    assert event["data"] == {
        "deal_id": "m1",
        "account_id": "s1",
        "stage": "won",
        "status": "won",
        "opened_at": "2017-10-14T03:00:00Z",
        "closed_at": "2017-11-01T02:00:00Z",
        "amount": "0.30",
        "currency": "BRL",
        "deal_type": "new",
        "owner": "r1",
        "segment": "pet",
        "region": "SP",
        "lead_source": "paid_search",
        "contact_ids": ["m1"],
        "primary_contact_id": "m1",
    }


def test_olist_deal_that_was_won_before_its_first_contact_opens_when_it_closes(olist: Conversion) -> None:
    data = events(olist)["m4/won"]["data"]
    assert data["opened_at"] == data["closed_at"] == "2018-02-15T17:30:00Z"
    assert data["amount"] == "22.90", "what was sold, not the fifty million that were declared"


def test_olist_seller_who_never_sold_is_worth_nothing_and_one_without_address_has_no_region(olist: Conversion) -> None:
    data = events(olist)["m6/won"]["data"]
    assert data["amount"] == "0.00"
    assert "region" not in data


def test_olist_lead_becomes_a_customer(olist: Conversion) -> None:
    found = events(olist)
    assert found["m1/mql"]["data"] == {"lead_id": "m1", "stage": "mql", "person_id": "m1", "team": "marketing"}
    assert found["m1/customer"]["time"] == "2017-11-01T02:00:00Z"
    assert found["m1/customer"]["data"] == {
        "lead_id": "m1",
        "stage": "customer",
        "person_id": "m1",
        "account_id": "s1",
        "deal_id": "m1",
        "owner": "r1",
        "team": "sales",
    }


def test_maven_counts(maven: Conversion) -> None:
    assert maven.events == {"deal": 8}
    assert maven.left_out == {"opportunities without an engage date (Prospecting)": 2}
    assert set(events(maven)) == {"W/0", "W/1", "L/0", "L/1", "E/0", "F/0", "U/0", "U/1"}


def test_maven_won_deal_in_two_states(maven: Conversion) -> None:
    found = events(maven)
    common = {
        "deal_id": "W",
        "account_id": "Acme",
        "opened_at": "2016-10-20T00:00:00Z",
        "owner": "Ann",
        "segment": "technology",
        "region": "Central",
        "product": "GTX Pro",
    }
    assert found["W/0"]["data"] == {**common, "stage": "Engaging", "status": "open", "revision": 0}
    closing = {"closed_at": "2017-03-01T00:00:00Z", "amount": "1054", "currency": "USD", "list_amount": "4821"}
    assert found["W/1"]["data"] == {**common, **closing, "stage": "Won", "status": "won", "revision": 1}
    assert (found["W/0"]["time"], found["W/1"]["time"]) == ("2016-10-20T00:00:00Z", "2017-03-01T00:00:00Z")


def test_maven_lost_deal_was_not_worth_nothing(maven: Conversion) -> None:
    data = events(maven)["L/1"]["data"]
    assert (data["status"], data["closed_at"]) == ("lost", "2017-01-01T00:00:00Z")
    assert not {"amount", "currency", "list_amount"} & set(data)


def test_maven_strangers_are_not_one_customer(maven: Conversion) -> None:
    found = events(maven)
    assert {found[f"{name}/0"]["data"]["account_id"] for name in "EF"} == {"unnamed-E", "unnamed-F"}
    assert "segment" not in found["E/0"]["data"]


def test_maven_deal_without_price_list_agent_or_account_of_record_stays(maven: Conversion) -> None:
    data = events(maven)["U/1"]["data"]
    assert (data["amount"], data["product"], data["account_id"]) == ("7", "Unlisted", "Nowhere")
    assert not {"list_amount", "segment"} & set(data)
    assert "region" not in events(maven)["E/0"]["data"], "Zoe is in no team"


@pytest.mark.parametrize("name", EXPORTS)
def test_the_order_of_rows_changes_nothing(name: str, tmp_path: Path) -> None:
    dice = random.Random(4)
    shuffled = {file: (header, dice.sample(lines, len(lines))) for file, (header, lines) in EXPORTS[name].items()}
    first = converted(name, written(tmp_path / "one", EXPORTS[name]), tmp_path / "first")
    second = converted(name, written(tmp_path / "two", shuffled), tmp_path / "second")
    for file in first.directory.iterdir():
        assert file.read_bytes() == (second.directory / file.name).read_bytes()


@pytest.mark.parametrize("name", EXPORTS)
def test_columns_may_be_added_and_moved(name: str, tmp_path: Path) -> None:
    wider: dict[str, Table] = {}
    for file, (header, lines) in EXPORTS[name].items():
        rows = [["new", *reversed(row)] for row in csv.reader([header, *lines])]
        wider[file] = (",".join(rows[0]), [",".join(row) for row in rows[1:]])
    first = converted(name, written(tmp_path / "one", EXPORTS[name]), tmp_path / "first")
    second = converted(name, written(tmp_path / "two", wider), tmp_path / "second")
    assert events(first) == events(second)


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_without_rows_has_no_events(name: str, tmp_path: Path) -> None:
    empty = {file: (header, list[str]()) for file, (header, _) in EXPORTS[name].items()}
    done = converted(name, written(tmp_path / "export", empty), tmp_path / "out")
    assert set(done.events.values()) == {0}
    assert done.left_out == {}
    assert {file.read_bytes() for file in done.directory.iterdir()} == {b""}


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, export in EXPORTS.items() for file in export])
def test_every_missing_file_is_named(name: str, file: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "export", EXPORTS[name])
    (folder / file).unlink()
    with pytest.raises(
        SourceError, match=rf"has no table \w+ .*looked for .*{file.removesuffix('.csv')}|has no table {file.removesuffix('.csv')}; "
    ):
        converted(name, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


USED = {
    "olist": {
        LEADS: ["mql_id", "first_contact_date", "landing_page_id", "origin"],
        WON: ["mql_id", "seller_id", "sr_id", "won_date", "business_segment"],
        SELLERS: ["seller_id", "seller_state"],
        ITEMS: ["seller_id", "price"],
    },
    "maven_crm": {
        PIPELINE: ["opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value"],
        "accounts.csv": ["account", "sector"],
        "products.csv": ["product", "sales_price"],
        "sales_teams.csv": ["sales_agent", "regional_office"],
    },
}


@pytest.mark.parametrize(
    ("name", "file", "column"),
    [(name, file, column) for name, files in USED.items() for file, columns in files.items() for column in columns],
)
def test_every_missing_column_is_named(name: str, file: str, column: str, tmp_path: Path) -> None:
    header = EXPORTS[name][file][0].split(",")
    renamed = ",".join("renamed" if each == column else each for each in header)
    folder = written(tmp_path / "export", changed(EXPORTS[name], file, header=renamed))
    with pytest.raises(SourceError, match=rf"the table {file.removesuffix('.csv')} has no column {column}; is it another version"):
        converted(name, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "file", "row"),
    [
        ("maven_crm", PIPELINE, "X,Ann,GTXPro,Acme,Won,2016-10-20,3/1/2017,1054"),
        ("maven_crm", PIPELINE, "X,Ann,GTXPro,Acme,Won,13/20/2016,3/1/2017,1054"),
        ("olist", LEADS, "x,14.10.2017,page-a,social"),
        ("olist", ITEMS, "o,1,p,s1,2018-01-01,cheap,1"),
    ],
)
def test_an_odd_value_fails_where_it_stands(name: str, file: str, row: str, tmp_path: Path) -> None:
    """A date in another order or a price in words is an error and never another date or price."""
    odd = changed(EXPORTS[name], file, rows=[*EXPORTS[name][file][1], row])
    with pytest.raises(
        SourceError,
        match=rf"^adapter {name}, \w+\.sql: Could not (parse|convert)|^adapter {name}, \w+\.sql: (invalid|time zone|date field)",
    ):
        converted(name, written(tmp_path / "export", odd), tmp_path / "out")


def test_ids_come_from_the_source_and_not_from_the_row(tmp_path: Path) -> None:
    """An export with one more opportunity, in front: the events of the others are the same, byte for byte."""
    more = changed(MAVEN, PIPELINE, rows=["A,Ann,GTXPro,Acme,Won,1/1/2016,2/1/2016,1", *MAVEN[PIPELINE][1]])
    first = converted("maven_crm", written(tmp_path / "one", MAVEN), tmp_path / "first")
    second = converted("maven_crm", written(tmp_path / "two", more), tmp_path / "second")
    before, after = ((done.directory / "crm.deal.jsonl").read_bytes().splitlines() for done in (first, second))
    assert set(before) < set(after)
    assert len(after) - len(before) == 2


def test_left_out_and_events_are_the_whole_source(olist: Conversion, maven: Conversion) -> None:
    """Nothing disappears without a number."""
    kinds: dict[str, int] = defaultdict(int)
    for event in events(olist).values():
        kinds[event["type"]] += 1
    assert kinds["nisba.deal.v1"] + olist.left_out["closed deals of unknown leads"] == len(OLIST[WON][1])
    deals = {event["data"]["deal_id"] for event in events(maven).values()}
    assert len(deals) + sum(maven.left_out.values()) == len(MAVEN[PIPELINE][1])
