"""HubSpot: every rule of its adapter on exports small enough to read, and the same events of every layout."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adapters import adapter
from nisba.errors import SourceError
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.hubspot_world import LAYOUTS, Change, Deal, Portal, export, stamp
from tests.unit.adapters.running import converted, events_of, examined

EUR: Mapping[str, Any] = {"currency": "EUR"}
BEGUN, OFFERED, WON_AT = stamp("2026-01-05 09:00:00.100"), stamp("2026-02-01 10:30:00.250"), stamp("2026-03-31 22:10:00.999")
CLOSED = str(stamp("2026-03-31 21:00"))


def won_deal(id: int = 101, **more: Any) -> Deal:
    """Return a deal that was opened, offered, and won with its close date in one millisecond."""
    changes: list[Change] = [
        (BEGUN, "dealstage", "s1"),
        (BEGUN, "closedate", str(stamp("2026-04-30 12:00"))),
        (OFFERED, "amount", "1234.5"),
        (OFFERED, "deal_currency_code", "USD"),
        (WON_AT, "dealstage", "won"),
        (WON_AT, "closedate", CLOSED),
    ]
    return Deal(id, changes, **more)


def small() -> Portal:
    """Return a portal with one row for nearly every rule."""
    created = stamp("2025-12-01 08:00")
    return Portal(
        deals=[
            won_deal(company=501, contacts=(301, 302)),
            Deal(102, [(BEGUN, "dealstage", "s1"), (OFFERED, "dealstage", "lost"), (OFFERED, "amount", None)], company=502),
            Deal(103, [(BEGUN, "dealstage", "won"), (BEGUN, "amount", "70")], is_deleted=True),
            Deal(
                109, [(OFFERED, "dealstage", "s1"), (BEGUN, "amount", "5"), (BEGUN, "dealstage", "won")], merged=(107, 108), contacts=(302,)
            ),
        ],
        contacts=[
            {"id": 301, "email": "Ann@Firm.example", "created": created, "company": 501},
            {"id": 302, "email": "bob@firm.example", "created": created, "company": 502, "merged": "303;304"},
        ],
        contact_changes=[
            (301, BEGUN, "lifecyclestage", "subscriber"),
            (301, OFFERED, "lifecyclestage", "lead"),
            (301, WON_AT, "lifecyclestage", "customer"),
            (302, OFFERED, "hs_lead_status", "UNQUALIFIED"),
        ],
        companies=[
            {"id": 501, "name": "Firm", "industry": "COMPUTER_SOFTWARE", "created": created, "modified": OFFERED, "merged": "599"},
            {"id": 502, "name": "Other", "created": created, "modified": BEGUN},
        ],
        emails=[
            {"id": "e-1", "at": OFFERED, "type": "CLICK", "to": "ann@firm.example", "campaign": 77},
            {"id": "e-2", "at": OFFERED, "type": "CLICK", "to": "bob@firm.example", "bot": True},
            {"id": "e-3", "at": OFFERED, "type": "CLICK", "to": "bob@firm.example", "obsoleted_by": "e-1"},
            {"id": "e-4", "at": OFFERED, "type": "OPEN", "to": "bob@firm.example"},
            {"id": "e-5", "at": OFFERED, "type": "SENT", "to": "bob@firm.example"},
        ],
        meetings=[
            {"id": 801, "at": OFFERED, "outcome": "COMPLETED", "contacts": (301, 302)},
            {"id": 802, "at": OFFERED, "outcome": "NO_SHOW", "contacts": (301,)},
        ],
        calls=[
            {"id": 811, "at": OFFERED, "direction": "INBOUND", "contacts": (301,)},
            {"id": 812, "at": OFFERED, "direction": "OUTBOUND", "contacts": (302,)},
        ],
    )


def made(portal: Portal, tmp_path: Path, layout: str = "fivetran", **settings: Any) -> list[dict[str, Any]]:
    where = export(portal, tmp_path / "export", layout)
    out = tmp_path / "events"
    converted("hubspot", where, out, {**EUR, **settings})
    return events_of(out)


def of(events: list[dict[str, Any]], fact_type: str) -> dict[str, dict[str, Any]]:
    return {event["id"]: event["data"] for event in events if event["type"] == f"nisba.{fact_type}.v1"}


def test_a_deal_is_the_sum_of_its_changes(tmp_path: Path) -> None:
    events = made(Portal(deals=[won_deal(company=501, contacts=(302, 301))]), tmp_path)
    begun = {"deal_id": "hs:101", "stage": "s1", "status": "open", "opened_at": "2026-01-05T09:00:00.100000Z", "revision": BEGUN}
    offered = {**begun, "closed_at": "2026-04-30T12:00:00.000000Z", "amount": "1234.50", "currency": "USD", "revision": OFFERED}
    won = {**offered, "stage": "won", "status": "won", "closed_at": "2026-03-31T21:00:00.000000Z", "revision": WON_AT}
    now = {**won, "account_id": "hs:501", "name": "Deal", "owner": "41", "contact_ids": ["hs:301", "hs:302"]}
    assert of(events, "deal") == {
        f"hs:101@{BEGUN}": {**begun, "closed_at": "2026-04-30T12:00:00.000000Z"},
        f"hs:101@{OFFERED}": offered,
        f"hs:101@{WON_AT}": won,
        f"hs:101@{WON_AT}/now": now,
    }
    assert [event["time"] for event in events] == [
        "2026-01-05T09:00:00.100000Z",
        "2026-02-01T10:30:00.250000Z",
        "2026-03-31T22:10:00.999000Z",
        "2026-03-31T22:10:00.999000Z",
    ]
    assert {event["source"] for event in events} == {"hubspot"}


def test_every_event_is_one_by_the_contract(tmp_path: Path) -> None:
    made(small(), tmp_path)
    for file in (tmp_path / "events").glob("*.jsonl"):
        lines = file.read_bytes().splitlines()
        absent = [None] * len(lines)
        block = RecordBlock(file.stem, 0, list(range(len(lines))), list(lines), list(absent), list(absent), list(absent))
        assert decode_block(block).dead_letters.to_pylist() == []


def test_three_layouts_are_one_set_of_events(tmp_path: Path) -> None:
    """dlt has no e-mails, meetings and calls; what it has is the same to the byte."""
    files = {}
    for layout in LAYOUTS:
        converted("hubspot", export(small(), tmp_path / layout / "export", layout), tmp_path / layout / "events", EUR)
        files[layout] = {file.name: file.read_bytes() for file in (tmp_path / layout / "events").iterdir()}
    assert files["airbyte"] == files["fivetran"]
    assert files["fivetran"]["marketing.touch.jsonl"].count(b"\n") == 5
    same = {"crm.deal.jsonl", "crm.lead.jsonl", "crm.account.jsonl", "identity.jsonl"}
    assert {name: files["dlt"][name] for name in same} == {name: files["fivetran"][name] for name in same}
    assert b"firm.example" not in b"".join(files["fivetran"].values()).lower()


def test_a_lost_deal_of_unknown_worth_closed_when_it_changed(tmp_path: Path) -> None:
    lost = Deal(102, [(BEGUN, "dealstage", "s1"), (BEGUN, "amount", "9"), (OFFERED, "dealstage", "lost"), (OFFERED, "amount", None)])
    deals = of(made(Portal(deals=[lost]), tmp_path), "deal")
    assert {name: deals[f"hs:102@{OFFERED}"].get(name) for name in ("status", "amount", "currency", "closed_at")} == {
        "status": "lost",
        "amount": None,
        "currency": None,
        "closed_at": "2026-02-01T10:30:00.250000Z",
    }
    assert examined("hubspot", tmp_path / "export", EUR).assumed == {
        "deals without a company: an account of their own": 1,
        "won or lost without a close date: closed when it changed": 2,
    }


def test_the_home_currency_stands_where_the_row_has_none(tmp_path: Path) -> None:
    portal = Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1"), (BEGUN, "amount", "1000.5"), (OFFERED, "deal_currency_code", "JPY")])])
    deals = of(made(portal, tmp_path, currency="KWD"), "deal")
    assert [(data["amount"], data["currency"]) for data in deals.values()] == [("1000.500", "KWD"), ("1000", "JPY"), ("1000", "JPY")]
    told = examined("hubspot", tmp_path / "export", {"currency": "KWD"}).assumed
    assert "amounts without a currency: in USD, as reported" not in told
    assert examined("hubspot", tmp_path / "export", currency="USD").assumed["amounts without a currency: in USD, as reported"] == 1


def test_a_history_without_currencies_has_that_of_the_deal(tmp_path: Path) -> None:
    """A property that is not exported with its history would make a false change of currency."""
    portal = Portal(deals=[won_deal()])
    where = export(portal, tmp_path / "export")
    rewrite(where / "deal_property_history.csv", lambda row: None if row["name"] == "deal_currency_code" else row)
    converted("hubspot", where, tmp_path / "events", EUR)
    assert {data.get("currency") for data in of(events_of(tmp_path / "events"), "deal").values()} == {None, "USD"}


def rewrite(file: Path, change: Any) -> None:
    """Rewrite the rows of a CSV file; None drops one."""
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        names, rows = list(reader.fieldnames or []), [changed for row in reader if (changed := change(row)) is not None]
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys([*names, *(name for row in rows for name in row)])))
        writer.writeheader()
        writer.writerows(rows)


def test_a_currency_that_is_none_is_left_out_until_it_is_named(tmp_path: Path) -> None:
    portal = Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1"), (OFFERED, "amount", "10"), (OFFERED, "deal_currency_code", "CAN")])])
    assert list(of(made(portal, tmp_path), "deal")) == [f"hs:1@{BEGUN}"]
    assert examined("hubspot", tmp_path / "export", EUR).left_out == {
        "states of deals in CAN, which is no currency: add it to currencies": 2
    }
    deals = of(made(portal, tmp_path, currencies={"CAN": "CAD"}), "deal")
    assert [data.get("currency") for data in deals.values()] == [None, "CAD", "CAD"]


def test_an_amount_below_zero_is_none_of_a_deal(tmp_path: Path) -> None:
    deals = of(made(Portal(deals=[Deal(1, [(BEGUN, "dealstage", "won"), (BEGUN, "amount", "-5")])]), tmp_path), "deal")
    assert [(data["status"], data.get("amount"), data.get("currency")) for data in deals.values()] == [("won", None, None)] * 2
    told = examined("hubspot", tmp_path / "export", EUR).assumed
    assert told["states of deals with an amount below zero: kept without it"] == 2
    assert told["won without an amount: revenue unknown"] == 1


def test_states_before_the_first_known_stage_say_nothing(tmp_path: Path) -> None:
    portal = Portal(deals=[Deal(1, [(BEGUN, "amount", "5"), (OFFERED, "dealstage", "s1")])])
    assert list(of(made(portal, tmp_path), "deal")) == [f"hs:1@{OFFERED}", f"hs:1@{OFFERED}/now"]
    told = "states of deals before their first known stage, or before versions that HubSpot no longer tells"
    assert examined("hubspot", tmp_path / "export", EUR).left_out == {told: 1}


@pytest.mark.parametrize("versions", [19, 20])
def test_a_property_of_twenty_versions_may_have_had_more(versions: int, tmp_path: Path) -> None:
    """The stage is known before the first amount: with 19 amounts there was none then, with 20 nobody knows."""
    amounts = [(OFFERED + place, "amount", str(place + 1)) for place in range(versions)]
    deals = of(made(Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1"), *amounts])]), tmp_path), "deal")
    known = [f"hs:1@{ms}" for ms, *_ in amounts]
    assert list(deals) == [*([f"hs:1@{BEGUN}"] if versions < 20 else []), *known, f"{known[-1]}/now"]


def test_a_history_that_is_read_later_than_the_deal_is_ahead_of_it(tmp_path: Path) -> None:
    """The newest state keeps the company and the contacts; the deal as it was read would bring old news with them."""
    portal = Portal(deals=[won_deal(company=501, contacts=(301,), modified=OFFERED)])
    deals = of(made(portal, tmp_path), "deal")
    ahead = deals[f"hs:101@{WON_AT}/ahead"]
    assert (ahead["status"], ahead["account_id"], ahead["contact_ids"]) == ("won", "hs:501", ["hs:301"])
    assert max(deals.items(), key=lambda pair: (pair[1]["revision"], pair[0]))[0] == f"hs:101@{WON_AT}/ahead"


def test_a_deleted_deal_is_a_state_of_its_own_after_all_others(tmp_path: Path) -> None:
    deal = Deal(103, [(BEGUN, "dealstage", "won"), (BEGUN, "amount", "70"), (OFFERED, "amount", "80")], is_deleted=True, modified=BEGUN)
    deals = of(made(Portal(deals=[deal]), tmp_path), "deal")
    assert list(deals) == [f"hs:103@{BEGUN}", f"hs:103@{OFFERED}", f"hs:103@{OFFERED}/deleted"]
    assert [data.get("deleted") for data in deals.values()] == [None, None, True]


def test_an_archived_deal_that_is_back_is_back(tmp_path: Path) -> None:
    """Airbyte keeps the row of the archived deal; the newer row counts."""
    where = export(Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1")], is_deleted=True)]), tmp_path / "export", "airbyte")
    live = export(Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1")], modified=OFFERED)]), tmp_path / "live", "airbyte")
    shutil.copy(live / "deals.jsonl", where)
    converted("hubspot", where, tmp_path / "events", EUR)
    assert [data.get("deleted") for data in of(events_of(tmp_path / "events"), "deal").values()] == [None, None]


@pytest.mark.parametrize("layout", ["fivetran", "dlt", "airbyte"])
def test_merged_deals_are_gone_and_what_they_made_has_no_history(layout: str, tmp_path: Path) -> None:
    """107 is not even exported any more; 108 is, undeleted, with its history; 109 has the changes of both."""
    both: list[Change] = [(BEGUN, "dealstage", "won"), (OFFERED, "dealstage", "s1"), (WON_AT, "dealstage", "won")]
    portal = Portal(deals=[Deal(108, [(OFFERED, "dealstage", "s1")]), Deal(109, both, merged=(107, 108))])
    deals = of(made(portal, tmp_path, layout), "deal")
    gone = {"stage": "merged", "status": "open", "opened_at": "2026-01-05T09:00:00.100000Z", "revision": WON_AT, "deleted": True}
    assert deals[f"hs:107@{WON_AT}/merged"] == {"deal_id": "hs:107", **gone}
    assert set(deals) == {f"hs:107@{WON_AT}/merged", f"hs:108@{WON_AT}/merged", f"hs:109@{WON_AT}/now"}
    assert examined("hubspot", tmp_path / "export", EUR).left_out == {"changes of deals that merges made or unmade": 4}


def test_a_deal_may_be_merged_again(tmp_path: Path) -> None:
    portal = Portal(deals=[Deal(3, [(OFFERED, "dealstage", "s1")], merged=(1, 2)), Deal(5, [(WON_AT, "dealstage", "s1")], merged=(3, 4))])
    deals = of(made(portal, tmp_path), "deal")
    assert set(deals) == {f"hs:{one}@{WON_AT}/merged" for one in (1, 2, 3, 4)} | {f"hs:5@{WON_AT}/now"}


def test_the_flags_of_a_stage_count_and_its_odds_where_it_has_none(tmp_path: Path) -> None:
    stages = {"early": (False, "0.0"), "won": (True, "1.0"), "lost": (True, "0.0"), "sure": (False, "1.0")}
    portal = Portal(deals=[Deal(place, [(BEGUN, "dealstage", stage)]) for place, stage in enumerate(stages)], stages=stages)
    where = export(portal, tmp_path / "export", "dlt")

    def statuses() -> dict[str, str]:
        converted("hubspot", where, tmp_path / "events", EUR)
        return {data["stage"]: data["status"] for data in of(events_of(tmp_path / "events"), "deal").values()}

    assert statuses() == {"early": "open", "won": "won", "lost": "lost", "sure": "open"}
    file = where / "pipelines_deals__stages.csv"
    rewrite(file, lambda row: {**row, "metadata__is_closed": ""})
    assert statuses() == {"early": "lost", "won": "won", "lost": "lost", "sure": "won"}


def test_stages_without_an_answer_are_named_with_the_line_to_write(tmp_path: Path) -> None:
    portal = Portal(deals=[Deal(1, [(BEGUN, "dealstage", "31900002"), (OFFERED, "dealstage", "gone"), (WON_AT, "dealstage", "s1")])])
    with pytest.raises(SourceError, match=r"stages: '31900002' \(1 rows\); stages: 'gone' \(1 rows\).* stages = { \"31900002\" = \"…\" }"):
        made(portal, tmp_path)
    deals = of(made(portal, tmp_path, stages={"31900002": "open", "gone": "lost", "s1": "won"}), "deal")
    assert [data["status"] for data in deals.values()] == ["open", "lost", "won", "won"]


def test_pipelines_that_contradict_each_other_are_no_answer(tmp_path: Path) -> None:
    where = export(Portal(deals=[Deal(1, [(BEGUN, "dealstage", "x")])], stages={"x": (True, "1.0")}), tmp_path / "export")
    with (where / "deal_pipeline_stage.csv").open("a", encoding="utf-8") as file:
        file.write("x,false,true,0.0\r\n")
    with pytest.raises(SourceError, match="stages: 'x'"):
        converted("hubspot", where, tmp_path / "events", EUR)


def test_changes_of_stage_alone_are_states_without_an_amount(tmp_path: Path) -> None:
    """Fivetran's deal_stage, where the history of properties is not exported."""
    where = export(Portal(deals=[won_deal()]), tmp_path / "export", without=["deal_property_history"])
    (where / "deal_stage.csv").write_text(
        "deal_id,value,date_entered,_fivetran_start,_fivetran_end\n"
        "101,s1,2026-01-05 09:00:00.100,2026-01-05 09:00:00.100,2026-03-31 22:10:00.998\n"
        "101,won,2026-03-31 22:10:00.999,2026-03-31 22:10:00.999,9999-12-31 23:59:59.999\n"
    )
    converted("hubspot", where, tmp_path / "events", EUR)
    deals = of(events_of(tmp_path / "events"), "deal")
    assert list(deals) == [f"hs:101@{BEGUN}/entered", f"hs:101@{WON_AT}/entered", f"hs:101@{WON_AT}/now"]  # of two at once the last counts
    assert deals[f"hs:101@{WON_AT}/entered"]["closed_at"] == "2026-03-31T22:10:00.999000Z"


def test_the_primary_company_counts_else_the_smallest_number(tmp_path: Path) -> None:
    where = export(Portal(deals=[Deal(place, [(BEGUN, "dealstage", "s1")]) for place in (1, 2, 3)]), tmp_path / "export")
    (where / "deal_company.csv").write_text(
        "deal_id,company_id,type_id,_fivetran_deleted\n1,9,341,false\n1,10,5,false\n2,10,341,false\n2,9,341,false\n3,7,5,true\n"
    )
    (where / "deal_contact.csv").write_text("deal_id,contact_id,type_id\n1,12,3\n1,9,3\n1,9,17\n2,4,17\n")
    converted("hubspot", where, tmp_path / "events", EUR)
    now = {event["data"]["deal_id"]: event["data"] for event in events_of(tmp_path / "events") if event["id"].endswith("/now")}
    assert [now[f"hs:{place}"].get("account_id") for place in (1, 2, 3)] == ["hs:10", "hs:9", None]
    assert [now[f"hs:{place}"].get("contact_ids") for place in (1, 2, 3)] == [["hs:9", "hs:12"], None, None]
    told = "deals with several companies and no primary one: the one of the smallest number"
    assert examined("hubspot", where, EUR).assumed[told] == 1


def test_properties_of_the_firms_own(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    rewrite(where / "deal.csv", lambda row: {**row, "property_line": "Pumps", "property_dealtype": "newbusiness", "property_tier": "A"})
    rewrite(where / "company.csv", lambda row: {**row, "property_region__c": "EMEA"})
    fields = {"product": "deal.line", "region": "company.property_region__c", "segment": "deal.tier"}
    converted("hubspot", where, tmp_path / "events", {**EUR, "fields": fields, "deal_types": {"newbusiness": "new"}})
    events = events_of(tmp_path / "events")
    now = of(events, "deal")[f"hs:101@{WON_AT}/now"]
    assert (now["product"], now["segment"], now["deal_type"], now.get("region")) == ("Pumps", "A", "new", None)
    assert {data["region"] for data in of(events, "account").values()} == {"EMEA"}
    assert {data.get("product") for name, data in of(events, "deal").items() if name.endswith("/now")} == {"Pumps"}
    assert {data.get("product") for name, data in of(events, "deal").items() if "/" not in name} == {None}


def test_stages_of_a_lead_are_those_of_its_history(tmp_path: Path) -> None:
    portal = Portal(
        contacts=[{"id": 1, "email": None, "created": BEGUN}],
        contact_changes=[
            (1, BEGUN, "lifecyclestage", "subscriber"),
            (1, BEGUN + 1, "lifecyclestage", "lead"),
            (1, BEGUN + 2, "lifecyclestage", "marketingqualifiedlead"),
            (1, BEGUN + 3, "lifecyclestage", "salesqualifiedlead"),
            (1, BEGUN + 4, "lifecyclestage", "opportunity"),
            (1, BEGUN + 5, "lifecyclestage", "customer"),
            (1, BEGUN + 6, "lifecyclestage", "31415926"),
            (1, BEGUN + 7, "lifecyclestage", None),
            (1, OFFERED, "hs_lead_status", "UNQUALIFIED"),
            (1, OFFERED + 1, "hs_lead_status", "Called"),
            (1, OFFERED + 2, "jobtitle", "lead"),
        ],
        deals=[Deal(1, [(BEGUN, "dealstage", "s1")])],
    )
    given: dict[str, Any] = {"lead_statuses": {"UNQUALIFIED": "rejected"}}
    leads = of(made(portal, tmp_path, **given), "lead-stage")
    stages = ["inquiry", "mql", "sql", "opportunity", "customer"]
    expected = {f"hs:1/{stage}@{BEGUN + place}": stage for place, stage in enumerate(stages, 1)} | {f"hs:1/rejected@{OFFERED}": "rejected"}
    assert leads == {name: {"lead_id": "hs:1", "person_id": "hs:1", "stage": stage} for name, stage in expected.items()}
    assert examined("hubspot", tmp_path / "export", {**EUR, **given}).left_out == {
        "lead statuses that lead_statuses does not name: Called": 1,
        "lifecycle stages that are no stage of a lead (subscriber, evangelist, other)": 1,
        "lifecycle stages that lifecycle_stages does not name: 31415926": 1,
    }
    mapped = of(made(portal, tmp_path, lifecycle_stages={"31415926": "recycled", "lead": "mql"}), "lead-stage")
    assert (f"hs:1/recycled@{BEGUN + 6}" in mapped, f"hs:1/mql@{BEGUN + 1}" in mapped, f"hs:1/inquiry@{BEGUN + 1}" in mapped) == (1, 1, 0)


def test_dates_stand_for_a_history_that_is_not_there(tmp_path: Path) -> None:
    """Contact 1 has a history, and its dates say nothing new; contact 2 has none; one date is milliseconds, one is text."""
    portal = Portal(deals=[Deal(1, [(BEGUN, "dealstage", "s1")])], contacts=[{"id": one, "created": BEGUN} for one in (1, 2)])
    portal.contact_changes = [(1, BEGUN, "lifecyclestage", "lead"), (2, BEGUN, "jobtitle", "lead")]
    where = export(portal, tmp_path / "export")
    dates = {"property_hs_lifecyclestage_lead_date": str(BEGUN), "property_hs_v2_date_entered_customer": "2026-02-01T10:30:00.250Z"}
    rewrite(where / "contact.csv", lambda row: {**row, **dates})
    converted("hubspot", where, tmp_path / "events", EUR)
    leads = of(events_of(tmp_path / "events"), "lead-stage")
    assert set(leads) == {f"hs:1/inquiry@{BEGUN}", f"hs:2/inquiry@{BEGUN}", f"hs:2/customer@{OFFERED}"}


def test_links_of_contacts_and_companies(tmp_path: Path) -> None:
    events = [event for event in made(small(), tmp_path) if event["type"] == "nisba.identity.v1"]
    found = {event["id"]: (event["data"]["left"]["kind"], event["data"]["right"]) for event in events}
    ann, bob = (f"email:{sha256(address).hexdigest()[:32]}" for address in (b"ann@firm.example", b"bob@firm.example"))
    assert found == {
        f"hs:301/{ann}": ("person", {"kind": "person", "id": ann}),
        f"hs:302/{bob}": ("person", {"kind": "person", "id": bob}),
        "hs:301/hs:501": ("person", {"kind": "account", "id": "hs:501"}),
        "hs:302/hs:502": ("person", {"kind": "account", "id": "hs:502"}),
        "hs:302/hs:303": ("person", {"kind": "person", "id": "hs:303"}),
        "hs:302/hs:304": ("person", {"kind": "person", "id": "hs:304"}),
        "hs:501/hs:599": ("account", {"kind": "account", "id": "hs:599"}),
    }
    assert {event["time"] for event in events} == {"2025-12-01T08:00:00.000000Z"}
    assert all(event["data"]["op"] == "link" for event in events)


def test_addresses_link_unless_the_settings_say_no(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    rewrite(
        where / "contact.csv",
        lambda row: {**row, "property_hs_additional_emails": "ANN@firm.example;INFO@firm.example" * (row["id"] == "301")},
    )

    def addresses(**settings: Any) -> list[str]:
        converted("hubspot", where, tmp_path / "events", {**EUR, **settings})
        return [name.split("/")[0] for name in of(events_of(tmp_path / "events"), "identity") if "/email:" in name]

    assert addresses() == ["hs:301", "hs:301", "hs:302"]
    assert addresses(shared_mailboxes=["Info@Firm.example"]) == ["hs:301", "hs:302"]
    assert addresses(shared_mailboxes=["info@"]) == ["hs:301", "hs:302"]
    assert addresses(link_by_email=False) == []


def test_a_click_is_the_persons_whose_address_it_is(tmp_path: Path) -> None:
    """303 was merged into 302 and its row is still there with an address of its own; each click is one touch."""
    portal = small()
    portal.contacts.append({"id": 303, "email": "bob.old@firm.example", "created": BEGUN})
    portal.emails.append({"id": "e-9", "at": WON_AT, "type": "CLICK", "to": "Bob.Old@firm.example"})
    events = made(portal, tmp_path)
    clicks = {name: data for name, data in of(events, "touch").items() if data["kind"] == "email_click"}
    assert {name: (data["channel"], data["team"], data.get("campaign_id")) for name, data in clicks.items()} == {
        "hs:e-1": ("email", "marketing", "hs:77"),
        "hs:e-9": ("email", "marketing", None),
    }
    links = {event["data"]["right"]["id"]: event["data"]["left"]["id"] for event in events if "/email:" in event["id"]}
    assert [links[clicks[name]["person_id"]] for name in ("hs:e-1", "hs:e-9")] == ["hs:301", "hs:303"]
    persons = {
        data["person_id"] for data in of(made(portal, tmp_path, link_by_email=False), "touch").values() if data["kind"] == "email_click"
    }
    assert persons == {"hs:301", "hs:302"}


def test_what_programs_do_and_what_is_no_touch_is_counted(tmp_path: Path) -> None:
    events = made(small(), tmp_path, email_opens=True)
    assert {name for name, data in of(events, "touch").items() if data["channel"] == "email"} == {"hs:e-1", "hs:e-4"}
    assert examined("hubspot", tmp_path / "export", EUR).left_out == {
        "changes of deals that merges made or unmade": 3,
        "clicks and opens of programs (filtered_event)": 1,
        "e-mail events that another one replaces": 1,
        "e-mail events that are neither clicks nor opens": 1,
        "lead statuses that lead_statuses does not name: UNQUALIFIED": 1,
        "lifecycle stages that are no stage of a lead (subscriber, evangelist, other)": 1,
        "meetings that are not said to be completed (meeting_outcome)": 1,
        "opened e-mails (email_opens = false)": 1,
    }


@pytest.mark.parametrize(
    ("query", "channel", "campaign"),
    [
        ("", "website", None),
        ("?ref=1#utm_source=x", "website", None),
        ("?utm_source=google&utm_medium=cpc&utm_campaign=Spring%20Sale", "paid_search", "utm:spring sale"),
        ("?utm_source=linkedin&utm_medium=paid-social&utm_campaign=cfo", "paid_social", "utm:cfo"),
        ("?UTM_Source=newsletter&utm_medium=email", "email", None),
        ("?utm_source=partner&utm_medium=referral&utm_campaign=p+q", "referral", "utm:p q"),
        ("?utm_source=linkedin&utm_medium=social", "organic_social", None),
        ("?utm_source=google&utm_medium=organic&gclid=abc", "paid_search", None),
        ("?fbclid=abc", "website", None),
        ("?utm_source=google&utm_medium=cpc&utm_id=987&utm_campaign=x", "paid_search", "google_ads:987"),
        ("?utm_campaign=701Sp000001AbcD", "unassigned", "701Sp000001AbcDIAS"),
        ("?utm_source=odd&utm_medium=odd", "unassigned", None),
    ],
)
def test_the_page_of_a_form_says_which_way_it_came(query: str, channel: str, campaign: str | None, tmp_path: Path) -> None:
    form = {"id": "c-1", "contact": 301, "at": OFFERED, "url": f"https://brio.example/demo{query}"}
    (touch,) = of(made(Portal(deals=[won_deal()], forms=[form]), tmp_path), "touch").values()
    assert (touch["channel"], touch.get("campaign_id"), touch["kind"], touch["team"]) == (channel, campaign, "form", "marketing")
    assert (touch["url"], touch["person_id"]) == ("https://brio.example/demo", "hs:301")


def test_a_form_that_a_merge_moved_is_the_one_it_was(tmp_path: Path) -> None:
    forms = [{"id": "c-1", "contact": contact, "at": OFFERED, "url": None} for contact in (302, 303)]
    forms += [{"id": "c-2", "contact": 302, "at": OFFERED, "url": None}, {"id": None, "contact": 302, "at": OFFERED, "url": None}]
    forms += [{"id": "c-3", "contact": None, "at": OFFERED, "url": None}, {"id": "c-2", "contact": 411, "at": OFFERED, "url": None}]
    portal = Portal(deals=[won_deal()], forms=forms, contacts=[{"id": 302, "created": BEGUN, "merged": "303"}])
    touches = of(made(portal, tmp_path, teams={"form": "partner"}), "touch")
    assert {name: data["person_id"] for name, data in touches.items()} == {
        "hs:c-1": "hs:303",
        "hs:c-2": "hs:302",
        f"hs:302/form@{OFFERED}": "hs:302",
    }
    assert {data["team"] for data in touches.values()} == {"partner"}
    assert examined("hubspot", tmp_path / "export", EUR).left_out == {
        "forms that another contact sent too": 1,
        "forms without a contact or a time": 1,
    }


def test_meetings_that_were_held_and_calls_are_the_sales_teams(tmp_path: Path) -> None:
    touches = of(made(small(), tmp_path), "touch")
    assert {
        name: (data["kind"], data["channel"], data["team"], data["person_id"])
        for name, data in touches.items()
        if "email" not in data["kind"]
    } == {
        "hs:801/301": ("meeting", "outbound", "sales", "hs:301"),
        "hs:801/302": ("meeting", "outbound", "sales", "hs:302"),
        "hs:811/301": ("call", "inbound", "sales", "hs:301"),
        "hs:812/302": ("call", "outbound", "sales", "hs:302"),
    }


def test_the_older_engagements_have_their_times_in_a_table_of_their_own(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export", without=["engagement_call"])
    (where / "engagement_call.csv").write_text(
        "engagement_id,status,_fivetran_deleted\n811,COMPLETED,false\n812,COMPLETED,true\n813,COMPLETED,false\n"
    )
    (where / "engagement.csv").write_text(
        "id,type,timestamp\n811,CALL,1769941800250\n812,CALL,2026-02-01 10:30:00.250\n813,CALL,1769941800250\n"
    )
    converted("hubspot", where, tmp_path / "events", EUR)
    events = events_of(tmp_path / "events")
    assert {name for name, data in of(events, "touch").items() if data["kind"] == "call"} == {"hs:811/301"}
    assert {event["time"] for event in events if event["id"] == "hs:811/301"} == {"2026-02-01T10:30:00.250000Z"}
    assert of(events, "touch-retraction") == {
        "hs:812/302/deleted": {"touch_source": "hubspot", "touch_id": "hs:812/302", "reason": "deleted in HubSpot"}
    }
    assert examined("hubspot", where, EUR).left_out["meetings and calls without a contact or a time"] == 1


def test_companies_are_accounts(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    rewrite(
        where / "company.csv", lambda row: {**row, "property_numberofemployees": "120.0", "is_deleted": str(row["id"] == "502").lower()}
    )
    converted("hubspot", where, tmp_path / "events", EUR)
    firm = {"account_id": "hs:501", "name": "Firm", "industry": "COMPUTER_SOFTWARE", "employees": 120, "revision": OFFERED}
    assert of(events_of(tmp_path / "events"), "account") == {
        f"hs:501@{OFFERED}": firm,
        f"hs:502@{BEGUN}/deleted": {"account_id": "hs:502", "name": "Other", "employees": 120, "revision": BEGUN, "deleted": True},
    }


def test_moves_between_companies_have_windows(tmp_path: Path) -> None:
    portal = Portal(
        deals=[won_deal()],
        contacts=[
            {"id": 1, "created": BEGUN, "company": 12},
            {"id": 2, "created": BEGUN, "company": 11},
            {"id": 3, "created": BEGUN, "company": 11},
        ],
        contact_changes=[
            (1, BEGUN, "associatedcompanyid", "11"),
            (1, OFFERED, "associatedcompanyid", "12"),
            (2, BEGUN, "associatedcompanyid", "11"),
            (3, BEGUN, "associatedcompanyid", "11"),
            (3, OFFERED, "associatedcompanyid", None),
            (3, WON_AT, "associatedcompanyid", "11"),
        ],
    )
    links = of(made(portal, tmp_path), "identity")
    assert {name: (data.get("since"), data.get("until")) for name, data in links.items()} == {
        f"hs:1/hs:11@{OFFERED}": (None, "2026-02-01T10:30:00.250000Z"),
        f"hs:1/hs:12@{OFFERED}": ("2026-02-01T10:30:00.250000Z", None),
        "hs:2/hs:11": (None, None),
        f"hs:3/hs:11@{WON_AT}": ("2026-03-31T22:10:00.999000Z", None),
    }


def test_campaigns_and_what_they_cost(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    (where / "email_campaign.csv").write_text("id,name,subject,_fivetran_synced\n77,Newsletter,Secret,2026-07-01 05:00:00\n")
    (where / "campaign.csv").write_text(
        "guid,property_hs_name,property_hs_utm,property_hs_start_date,property_hs_end_date,property_hs_budget_items_sum_amount,"
        "property_hs_spend_items_sum_amount,property_hs_currency_code,updated_at\n"
        "g-1,Spring,Spring-Sale,2026-02-01,2026-02-28,1000,912.345,USD,2026-03-01 10:00:00\n"
        "g-2,Autumn,,,,,5,,2026-03-01 10:00:00\n"
        "g-3,Odd,,2026-02-01,,,5,XXQ,2026-03-01 10:00:00\n"
    )
    converted("hubspot", where, tmp_path / "events", EUR)
    events, at = events_of(tmp_path / "events"), stamp("2026-03-01 10:00")
    campaigns = of(events, "campaign")
    assert campaigns[f"hs:77@{stamp('2026-07-01 05:00')}"] == {
        "campaign_id": "hs:77",
        "name": "Newsletter",
        "channel": "email",
        "campaign_type": "email",
    }
    assert campaigns[f"hs:g-1@{at}"] == {
        "campaign_id": "hs:g-1",
        "name": "Spring",
        "channel": "other",
        "starts_on": "2026-02-01",
        "ends_on": "2026-02-28",
        "budget": "1000.00",
        "currency": "USD",
    }
    assert campaigns[f"utm:spring-sale@{at}"] == {
        "campaign_id": "utm:spring-sale",
        "name": "spring-sale",
        "channel": "other",
        "same_as": "hs:g-1",
    }
    assert of(events, "spend") == {
        f"hs:g-1/spend@{at}": {
            "campaign_id": "hs:g-1",
            "spend_id": "hs:g-1",
            "starts_on": "2026-02-01",
            "ends_on": "2026-02-28",
            "amount": "912.34",
            "currency": "USD",
            "revision": at,
        }
    }
    left_out = examined("hubspot", where, EUR).left_out
    assert (
        left_out["costs of campaigns without a first day"]
        == left_out["costs of campaigns in XXQ, which is no currency: add it to currencies"]
        == 1
    )


def test_loaders_that_append_write_a_row_again(tmp_path: Path) -> None:
    """The same events, whether a row is there once or twice, and in which order."""
    where = export(small(), tmp_path / "export")
    converted("hubspot", where, tmp_path / "once", EUR)
    for file in where.glob("*.csv"):
        head, *lines = file.read_text("utf-8").splitlines()
        file.write_text("\n".join([head, *reversed(lines), *lines]) + "\n", "utf-8")
    converted("hubspot", where, tmp_path / "twice", EUR)
    assert bytes_of(tmp_path / "twice") == bytes_of(tmp_path / "once")


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_columns_moved_in_capitals_and_typed_are_the_same_events(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    converted("hubspot", where, tmp_path / "plain", EUR)
    typed = tmp_path / "typed"
    typed.mkdir()
    with duckdb.connect() as con:
        for file in where.glob("*.csv"):
            columns = [name for name, *_ in con.execute(f"DESCRIBE FROM read_csv('{file}')").fetchall()]
            chosen = ", ".join(f'"{name}" AS "{name.upper()}"' for name in reversed(columns))
            con.execute(f"COPY (SELECT {chosen} FROM read_csv('{file}')) TO '{typed / file.stem.upper()}.parquet' (FORMAT parquet)")
    converted("hubspot", typed, tmp_path / "others", EUR)
    assert bytes_of(tmp_path / "others") == bytes_of(tmp_path / "plain")


REQUIRED = [(name, column) for name, table in adapter("hubspot").tables.items() for column in table.required]


@pytest.mark.parametrize(("table", "column"), REQUIRED, ids=[f"{table}.{column}" for table, column in REQUIRED])
def test_each_required_column_is_named_where_it_is_missing(table: str, column: str, tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export")
    others = [name for name in adapter("hubspot").tables[table].columns if name != column]
    (where / f"{table}.csv").write_text(",".join(others) + "\n", "utf-8")
    with pytest.raises(SourceError, match=rf"the table {table} has no column {column}"):
        converted("hubspot", where, tmp_path / "events", EUR)
    assert not (tmp_path / "events").exists() or not list((tmp_path / "events").iterdir())


def test_a_portal_without_deals_is_none(tmp_path: Path) -> None:
    where = export(small(), tmp_path / "export", without=["deal"])
    with pytest.raises(SourceError, match=r"has no table deal \(looked for deal, deals\)"):
        converted("hubspot", where, tmp_path / "events", EUR)


@pytest.mark.parametrize("table", sorted(set(LAYOUTS["fivetran"](small())) - {"deal", "deal_pipeline_stage"}))
def test_every_other_table_may_be_missing(table: str, tmp_path: Path) -> None:
    converted("hubspot", export(small(), tmp_path / "export", without=[table]), tmp_path / "events", EUR)
    kinds = Counter(event["type"] for event in events_of(tmp_path / "events"))
    assert kinds["nisba.deal.v1"] > 0


def test_no_column_that_names_a_person_leaves(tmp_path: Path) -> None:
    secret = {"property_firstname": "Zanzibar", "property_lastname": "Zanzibar", "property_description": "Zanzibar", "title": "Zanzibar"}
    where = export(small(), tmp_path / "export")
    for file in where.glob("*.csv"):
        rewrite(file, lambda row: {**row, **secret})
    made_of = converted("hubspot", where, tmp_path / "events", EUR)
    text = json.dumps(events_of(made_of.directory))
    assert "Zanzibar" not in text
    assert "@firm.example" not in text.lower()
