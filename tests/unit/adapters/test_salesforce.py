"""The Salesforce adapter, rule by rule: exports small enough to read, events by hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters import convert, pulls
from nisba.config import load_config
from nisba.errors import ConfigError
from tests.unit.adapters.running import converted, events_of, examined
from tests.unit.adapters.test_adapter_figures import decoded

Tables = Mapping[str, str]
OPPORTUNITY = (
    "Id,IsDeleted,AccountId,Name,StageName,Amount,CurrencyIsoCode,CloseDate,Type,IsClosed,IsWon,OwnerId,CreatedDate,SystemModstamp"
)
HISTORY = "Id,OpportunityId,IsDeleted,StageName,Amount,CurrencyIsoCode,CloseDate,CreatedDate"
OPEN = "006000000000001AAA,false,001A,Deal,Open,100,USD,2026-05-01,,false,false,005A,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z"


def written(folder: Path, tables: Tables) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text.strip() + "\n", "utf-8")
    return folder


class Found:
    """What an export became: events by id, and what was counted."""

    def __init__(self, tmp_path: Path, tables: Tables, settings: Mapping[str, Any] | None = None, **reporting: Any) -> None:
        export = written(tmp_path / "export", {"Opportunity": f"{OPPORTUNITY}\n{OPEN}", **tables})
        done = converted("salesforce", export, tmp_path / "out", settings, **{"currency": "USD", "time_zone": "UTC", **reporting})
        assert sum(table.num_rows for table in decoded(tmp_path / "out").values()) == sum(done.events.values())
        self.counts, self.left_out, self.assumed = done.events, done.left_out, done.assumed
        self.events = events_of(tmp_path / "out")
        self.by_id = {event["id"]: event for event in self.events}
        assert len(self.by_id) == len(self.events)

    def data(self, name: str) -> dict[str, Any]:
        """Return the data of an event by the end of its id."""
        (event,) = (event for key, event in self.by_id.items() if key.endswith(name))
        found: dict[str, Any] = event["data"]
        return found

    def of(self, fact_type: str) -> dict[str, dict[str, Any]]:
        kind = f"nisba.{fact_type}.v1"
        return {event["id"]: event["data"] for event in self.events if event["type"] == kind}


# Deals


def deal(
    number: int, *, stage: str = "Open", amount: str = "100", currency: str = "USD", closes: str = "2026-05-01", flags: str = "false,false"
) -> str:
    return f"D{number},false,A1,Deal,{stage},{amount},{currency},{closes},,{flags},O1,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z"


def deals(*lines: str) -> str:
    return "\n".join((OPPORTUNITY, *lines))


def test_ids_of_fifteen_characters_are_those_of_eighteen(tmp_path: Path) -> None:
    """Reports show 15; the other three say which of them are capitals."""
    tables = {
        "Opportunity": deals(
            "0061x00000AbCdE,false,0011x00000aAaAa,Deal,Open,100,USD,2026-05-01,,false,false,005,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z"
        ),
        "OpportunityHistory": f"{HISTORY}\n0081x00000AbCdEAAV,0061x00000AbCdEAAV,false,Open,90,USD,2026-05-01,2026-01-01T00:00:00Z",
        "Account": "Id,Name,SystemModstamp\n0011x00000aAaAaAAK,Acme,2026-01-01T00:00:00Z",
    }
    # letter 11 to 15 of the deal: A b C d E are capitals at 0, 2 and 4: 1 + 4 + 16 = 21, which is V
    found = Found(tmp_path, tables, {"stages": {"Open": "open"}}).of("deal")
    assert {state["deal_id"] for state in found.values()} == {"0061x00000AbCdEAAV"}
    assert {state["account_id"] for state in found.values()} == {"0011x00000aAaAaAAK"}
    assert len(found) == 2


def test_amounts_in_what_is_no_currency_wait_for_a_line(tmp_path: Path) -> None:
    tables = {
        "Opportunity": deals(deal(1, currency="CAN"), deal(2, currency="CAN", amount=""), deal(3, amount="1.005"), deal(4, amount="1.015"))
    }
    found = Found(tmp_path / "before", tables)
    assert found.left_out == {"deal states in CAN, which is no currency: add it to currencies": 1}
    assert {data["deal_id"]: data.get("amount") for data in found.of("deal").values()} == {"D2": None, "D3": "1.00", "D4": "1.02"}
    mapped = Found(tmp_path / "after", tables, {"currencies": {"CAN": "CAD"}})
    assert mapped.left_out == {}
    assert (mapped.data("D1@1767312000000")["amount"], mapped.data("D1@1767312000000")["currency"]) == ("100.00", "CAD")


def test_amounts_without_a_currency_are_in_that_of_the_settings_or_of_the_reports(tmp_path: Path) -> None:
    tables = {"Opportunity": deals(deal(1, currency=""))}
    told = Found(tmp_path / "told", tables, {"currency": "SAR"})
    assert (told.data("D1@1767312000000")["currency"], told.assumed) == ("SAR", {})
    assumed = Found(tmp_path / "not", tables)
    assert assumed.data("D1@1767312000000")["currency"] == "USD"
    assert assumed.assumed == {"deal states without a currency: in USD": 1}
    several = Found(tmp_path / "several", {**tables, "CurrencyType": TYPES}, {"currency": "SAR"})
    assert several.assumed == {"deal states without a currency: in SAR": 1}


def test_an_amount_below_zero_is_none_and_a_closed_state_without_a_date_is_no_state(tmp_path: Path) -> None:
    tables = {
        "Opportunity": deals(
            deal(1, amount="-5"), deal(2, closes="", flags="true,true"), deal(3, closes=""), deal(4, closes="0026-05-01", flags="true,true")
        )
    }
    found = Found(tmp_path, tables)
    assert {data["deal_id"]: data.get("amount") for data in found.of("deal").values()} == {"D1": None, "D3": "100.00"}
    assert found.left_out == {"closed states without a CloseDate": 1, "closed states with a CloseDate outside 1970 to 2199": 1}
    assert found.assumed == {"states with an amount below zero: kept without it": 1}


def test_the_settings_go_before_the_list_of_stages_which_goes_before_the_flags(tmp_path: Path) -> None:
    tables = {
        "Opportunity": deals(
            deal(1, stage="verbal", flags="true,true"),
            deal(2, stage="api_won"),
            deal(3, stage="Label lost"),
            deal(4, stage="Unlisted", flags="true,false"),
            deal(5, stage="Twice", flags="true,true"),
        ),
        "OpportunityStage": "ApiName,MasterLabel,IsClosed,IsWon\nverbal,Verbal,true,true\napi_won,Won,true,true\n"
        "x,Label lost,true,false\ny,Twice,true,false\nz,Twice,false,false",
    }
    found = Found(tmp_path, tables, {"stages": {"verbal": "open"}})
    status = {data["deal_id"]: data["status"] for data in found.of("deal").values()}
    assert status == {"D1": "open", "D2": "won", "D3": "lost", "D4": "lost", "D5": "won"}


def test_without_flags_a_stage_needs_a_name(tmp_path: Path) -> None:
    export = written(tmp_path, {"Opportunity": deals(deal(1, stage="New", flags=","), deal(2, stage="", flags=","))})
    assert examined("salesforce", export).unmapped == (("stages", "", 1), ("stages", "New", 1))


def test_blank_flags_say_no_where_another_row_has_some(tmp_path: Path) -> None:
    found = Found(tmp_path, {"Opportunity": deals(deal(1, stage="New", flags=","), deal(2, stage="Sold", flags="1,1"))})
    assert {data["deal_id"]: data["status"] for data in found.of("deal").values()} == {"D1": "open", "D2": "won"}


def test_dates_of_another_zone_end_there(tmp_path: Path) -> None:
    here = Found(tmp_path / "here", {}, time_zone="Asia/Riyadh").data("@1767312000000")
    assert (here["closed_on"], "closed_at" in here) == ("2026-05-01", False)
    there = Found(tmp_path / "there", {}, {"time_zone": "America/Los_Angeles"}, time_zone="Asia/Riyadh").data("@1767312000000")
    assert (there["closed_at"], "closed_on" in there) == ("2026-05-02T06:59:59Z", False)


def test_rows_of_one_second_follow_their_ids_and_deleted_ones_keep_their_place(tmp_path: Path) -> None:
    lines = [
        "H9,006000000000001AAA,false,Open,1,USD,2026-05-01,2026-01-01T00:00:00Z",
        "Ha,006000000000001AAA,true,Open,2,USD,2026-05-01,2026-01-01T00:00:00Z",
        "HZ,006000000000001AAA,false,Open,3,USD,2026-05-01,2026-01-01T00:00:00Z",
        "Hb,006000000000001AAA,false,Open,4,USD,2026-05-01,2026-01-01T00:00:01Z",
        "Hc,006000000000002AAA,false,Open,4,USD,2026-05-01,2026-01-01T00:00:01Z",
    ]
    found = Found(tmp_path, {"OpportunityHistory": "\n".join((HISTORY, *lines))}, {"stages": {"Open": "open"}})
    revisions = {data["amount"]: data["revision"] - 1767225600000 for key, data in found.of("deal").items() if "/" in key}
    assert revisions == {"1.00": 0, "3.00": 1, "4.00": 1000}
    assert found.left_out == {
        "deleted history rows of opportunities that are not deleted": 1,
        "history rows of opportunities that the export does not have": 1,
    }


def test_a_state_is_as_new_as_the_newest_of_what_it_is_made_of(tmp_path: Path) -> None:
    roles = "Id,OpportunityId,ContactId,IsPrimary,IsDeleted,SystemModstamp\n"
    one = roles + "R1,006000000000001AAA,C2,false,false,2026-01-03T00:00:00Z\nR2,006000000000001AAA,C1,true,false,2026-01-03T00:00:00Z"
    two = roles + "R1,006000000000001AAA,C2,false,true,2026-01-05T00:00:00Z\nR2,006000000000001AAA,C1,true,false,2026-01-03T00:00:00Z"
    account = "Id,Name,SystemModstamp\n001A,Acme,2026-01-04T00:00:00Z"
    found = Found(tmp_path / "roles", {"OpportunityContactRole": one}).data("006000000000001AAA@1767398400000")
    assert (found["contact_ids"], found["primary_contact_id"], found["revision"]) == (["C1", "C2"], "C1", 1767398400500)
    assert Found(tmp_path / "account", {"OpportunityContactRole": one, "Account": account}).data("006000000000001AAA@1767484800000")
    gone = Found(tmp_path / "deleted", {"OpportunityContactRole": two, "Account": account}).data("006000000000001AAA@1767571200000")
    assert gone["contact_ids"] == ["C1"]


def test_columns_of_the_firms_own_are_those_of_today(tmp_path: Path) -> None:
    tables = {
        "Opportunity": deals(deal(1))
        .replace("SystemModstamp", "SystemModstamp,Product__c,List__c")
        .replace("02T00:00:00Z", "02T00:00:00Z,CRM,150"),
        "OpportunityHistory": f"{HISTORY}\nH1,D1,false,Open,1,USD,2026-05-01,2026-01-01T00:00:00Z",
        "Account": "Id,Name,Tier__c,Country,NumberOfEmployees,ParentId,Industry,SystemModstamp,IsPersonAccount\n"
        "A1,Acme,Enterprise,Oman,577.0,A0,Steel,2026-01-01T00:00:00Z,false\nA2,Ana One,SMB,,,,,2026-01-01T00:00:00Z,true",
    }
    fields = {
        "segment": "Account.Tier__c",
        "region": "Account.Country",
        "product": "Opportunity.Product__c",
        "list_amount": "Opportunity.List__c",
    }
    found = Found(tmp_path, tables, {"fields": fields, "stages": {"Open": "open"}, "deal_types": {}})
    now = found.data("D1@1767312000000")
    assert [now[name] for name in ("segment", "region", "product", "list_amount")] == ["Enterprise", "Oman", "CRM", "150.00"]
    assert found.data("D1/H1").keys().isdisjoint({"segment", "region", "product", "list_amount", "name", "owner"})
    assert found.of("account") == {
        "A1@1767225600000": {
            "account_id": "A1",
            "name": "Acme",
            "segment": "Enterprise",
            "region": "Oman",
            "industry": "Steel",
            "employees": 577,
            "parent_id": "A0",
            "revision": 1767225600000,
        },
        "A2@1767225600000": {"account_id": "A2", "segment": "SMB", "revision": 1767225600000},
    }


def test_a_column_of_the_firms_own_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="the table Opportunity has no column Tier__c, which the adapter's settings name"):
        Found(tmp_path, {}, {"fields": {"segment": "Opportunity.Tier__c"}})
    with pytest.raises(ConfigError, match=r"fields.product: expected 'opportunity.<column>'"):
        Found(tmp_path, {}, {"fields": {"product": "Account.Tier__c"}})


def test_without_a_stamp_the_row_is_as_new_as_its_file(tmp_path: Path) -> None:
    written(tmp_path, {"Opportunity": "Id,StageName,Amount,CloseDate,CreatedDate\nD1,Open,5,2026-05-01,2026-01-01"})
    os.utime(tmp_path / "Opportunity.csv", (1767225600, 1767225600))
    converted("salesforce", tmp_path, tmp_path / "out", {"stages": {"Open": "open"}})
    (event,) = events_of(tmp_path / "out")
    assert (event["id"], event["time"]) == ("D1@1767225600000", "2026-01-01T00:00:00.000000Z")


def test_a_lake_that_appends_has_each_row_once(tmp_path: Path) -> None:
    older = deal(1, amount="1")
    newer = deal(1, amount="2").replace("2026-01-02", "2026-01-03")
    found = Found(tmp_path, {"Opportunity": deals(older, newer, older)})
    assert {key: data["amount"] for key, data in found.of("deal").items()} == {"D1@1767398400000": "2.00"}


VERSIONS = (
    "Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,IsClosed,IsWon,OwnerId,CreatedDate,SystemModstamp,"
    "_fivetran_start,_fivetran_end,_fivetran_active\n"
)


def version(stage: str, start: str, end: str, *, owner: str = "O1", amount: int = 10) -> str:
    flags = {"Won": "true,true", "Lost": "true,false"}.get(stage, "false,false")
    active = str(end.startswith("9999")).lower()
    times = f"2026-01-01T00:00:00Z,{start}T00:00:00Z,{start}T00:00:00Z,{end}T00:00:00Z"
    return f"D1,false,A1,Deal,{stage},{amount},2026-05-01,{flags},{owner},{times},{active}\n"


def test_versions_of_a_row_are_its_history(tmp_path: Path) -> None:
    """Fivetran's history mode: what was the current row yesterday is a version today, under an id of its own."""
    first = Found(tmp_path / "1", {"Opportunity": VERSIONS + version("Open", "2026-01-02", "9999-12-31")})
    second = Found(
        tmp_path / "2",
        {
            "Opportunity": VERSIONS
            + version("Won", "2026-02-01", "9999-12-31", owner="O2", amount=12)
            + version("Open", "2026-01-02", "2026-02-01")
        },
    )
    assert list(first.by_id) == ["D1@1767312000000", "D1@1767312000000/now"]
    assert list(second.by_id) == ["D1@1767312000000", "D1@1769904000000", "D1@1769904000000/now"]
    assert first.by_id["D1@1767312000000"] == second.by_id["D1@1767312000000"]
    states = [(data["status"], data["amount"], data["revision"], data.get("owner")) for data in second.of("deal").values()]
    assert states == [("open", "10.00", 1767312000000, None), ("won", "12.00", 1769904000000, None), ("won", "12.00", 1769904000500, "O2")]


def test_a_row_whose_last_version_ended_is_deleted(tmp_path: Path) -> None:
    found = Found(tmp_path, {"Opportunity": VERSIONS + version("Open", "2026-01-02", "2026-02-01")})
    assert found.data("D1@1769904000000/now")["deleted"] is True
    assert "deleted" not in found.data("D1@1767312000000")


# Leads


LEAD = (
    "Id,IsDeleted,MasterRecordId,Email,IsConverted,ConvertedDate,ConvertedAccountId,ConvertedContactId,ConvertedOpportunityId,"
    "CreatedDate,SystemModstamp,MQL__c,SQL__c"
)


def lead(
    name: str, *, deleted: str = "false", converted_on: str = "", master: str = "", email: str = "", mql: str = "", sql: str = ""
) -> str:
    to = "A1,C1,D1" if converted_on else ",,"
    is_converted, times = str(bool(converted_on)).lower(), "2026-01-01T08:00:00Z,2026-02-01T00:00:00Z"
    return f"{name},{deleted},{master},{email},{is_converted},{converted_on},{to},{times},{mql},{sql}"


def test_leads_without_a_history_have_the_dates_that_the_firm_keeps(tmp_path: Path) -> None:
    lines = [
        lead("L1", converted_on="2026-01-09", mql="2026-01-05", sql="2026-01-07T12:30:00Z"),
        lead("L2", mql="2026-01-05 00:00:00"),
        lead("L3", deleted="true"),
        lead("L4", deleted="true", converted_on="2026-01-10"),
    ]
    settings = {"lead_dates": {"mql": "Lead.MQL__c", "sql": "Lead.SQL__c"}, "time_zone": "Europe/Berlin"}
    found = Found(tmp_path, {"Lead": "\n".join((LEAD, *lines))}, settings, time_zone="Europe/Berlin")
    times = {key: event["time"] for key, event in found.by_id.items() if event["type"] == "nisba.lead-stage.v1"}
    assert times == {
        "L1/created": "2026-01-01T08:00:00.000000Z",
        "L1/mql": "2026-01-04T23:00:00Z",
        "L1/sql": "2026-01-07T12:30:00.000000Z",
        "L1/converted": "2026-01-08T23:00:00Z",
        "L2/created": "2026-01-01T08:00:00.000000Z",
        "L2/mql": "2026-01-04T23:00:00Z",
        "L4/created": "2026-01-01T08:00:00.000000Z",
        "L4/converted": "2026-01-09T23:00:00Z",
    }
    assert (found.data("L1/mql")["team"], found.data("L1/sql")["team"]) == ("marketing", "sales")
    assert found.left_out == {"leads that were deleted before they were converted": 1}


def test_statuses_of_leads_that_nobody_named_are_counted(tmp_path: Path) -> None:
    history = (
        "Id,LeadId,Field,OldValue,NewValue,CreatedDate\nH1,L1,Status,New,Nurture,2026-01-02T00:00:00Z\nH2,L1,Status,Nurture,Working,2026-01-03T00:00:00Z\n"
        "H3,L9,Status,New,Working,2026-01-03T00:00:00Z\nH4,L1,Owner,Ann,Zoe,2026-01-03T00:00:00Z"
    )
    tables = {"Lead": f"{LEAD}\n{lead('L1')}", "LeadHistory": history}
    found = Found(tmp_path / "told", tables, {"lead_statuses": {"Working": "sal"}})
    assert found.data("H2")["stage"] == "sal"
    assert "H1" not in found.by_id
    assert found.left_out == {
        "changes of a lead to Nurture, which lead_statuses do not name": 1,
        "changes of status of leads that the export does not have": 1,
    }
    proposed = examined("salesforce", written(tmp_path / "again", {"Opportunity": deals(OPEN), **tables})).proposed
    assert proposed == (("adapters.salesforce", 'lead_statuses = { "Nurture" = "…", "Working" = "…" }'),)


# Touches


MEMBER = "Id,IsDeleted,CampaignId,LeadId,ContactId,AccountId,HasResponded,FirstRespondedDate,SystemModstamp"
CAMPAIGN = "Id,IsDeleted,Name,Type,ParentId,StartDate,EndDate,BudgetedCost,ActualCost,CurrencyIsoCode,OwnerId,SystemModstamp"


def campaign(
    name: str, kind: str = "", days: str = ",", budget: str = "", cost: str = "", currency: str = "USD", deleted: str = "false"
) -> str:
    return f"{name},{deleted},{name} name,{kind},,{days},{budget},{cost},{currency},O1,2026-02-01T00:00:00Z"


def test_the_type_of_a_campaign_says_channel_kind_and_team(tmp_path: Path) -> None:
    campaigns = [campaign("K1", "Webinar"), campaign("K2", "Partner"), campaign("K3", "Party"), campaign("K4", "Web")]
    members = [
        f"M{number},false,K{number},L1,C1,A1,true,2026-01-05,2026-01-06T00:00:00Z" for number in (1, 2, 3, 4, 9)
    ] + [
        "M5,false,K1,,C1,A1,true,2026-01-05,2026-01-06T00:00:00Z",
        "M6,false,K1,,,,true,2026-01-05,2026-01-06T00:00:00Z",
        "M10,false,K1,,,A1,true,2026-01-05,2026-01-06T00:00:00Z",
        "M7,false,K1,,C1,,true,,2026-01-06T00:00:00Z",
        "M8,false,K1,,C1,,false,,2026-01-06T00:00:00Z",
    ]  # fmt: skip
    tables = {"Campaign": "\n".join((CAMPAIGN, *campaigns)), "CampaignMember": "\n".join((MEMBER, *members))}
    settings = {"campaign_types": {"Webinar": "webinar / webinar", "Web": "website"}, "teams": {"Party": "customer"}}
    found = Found(tmp_path, tables, settings)
    told = {key.split("/")[0]: (data["channel"], data["kind"], data["team"]) for key, data in found.of("touch").items()}
    assert told == {
        "M1": ("webinar", "webinar", "marketing"),
        "M2": ("other", "campaign_response", "partner"),
        "M3": ("other", "campaign_response", "customer"),
        "M4": ("website", "campaign_response", "marketing"),
        "M5": ("webinar", "webinar", "marketing"),
        "M10": ("webinar", "webinar", "marketing"),
        "M9": ("other", "campaign_response", "marketing"),
    }
    whose = {name: found.data(f"{name}/responded") for name in ("M1", "M5", "M10")}
    assert [(one.get("person_id"), one.get("account_id")) for one in whose.values()] == [("L1", None), ("C1", None), (None, "A1")]
    assert found.left_out == {"campaign members who have not responded": 1, "responses of nobody": 1, "responses without a date": 1}
    assert found.assumed == {
        "campaigns of type Partner, which campaign_types do not name: channel other": 1,
        "campaigns of type Party, which campaign_types do not name: channel other": 1,
        "responses to campaigns that the export does not have: channel other": 1,
    }


def test_tasks_and_meetings(tmp_path: Path) -> None:
    task = "Id,IsDeleted,WhoId,IsClosed,TaskSubtype,Type,CallType,ActivityDate,CompletedDateTime,SystemModstamp"
    tasks = [
        "T1,false,C1,true,Call,,Inbound,2026-01-05,2026-01-05T10:00:00Z,2026-01-06T00:00:00Z",
        "T2,false,C1,true,Task,Email,,2026-01-05,,2026-01-06T00:00:00Z",
        "T3,false,L1,true,Task,,,2026-01-05,,2026-01-06T00:00:00Z",
        "T4,false,,true,Task,,,2026-01-05,,2026-01-06T00:00:00Z",
        "T5,false,C1,true,Task,,,,,2026-01-06T00:00:00Z",
        "T6,false,C1,false,Call,,,2026-01-05,,2026-01-06T00:00:00Z",
        "T7,true,C1,true,ListEmail,,,2026-01-05,,2026-01-07T00:00:00Z",
    ]
    event = "Id,IsDeleted,WhoId,IsChild,StartDateTime,ActivityDate,SystemModstamp"
    events = [
        "E1,false,C1,false,2026-01-05T09:00:00Z,2026-01-05,2026-01-06T00:00:00Z",
        "E2,false,C1,false,,2026-01-05,2026-01-06T00:00:00Z",
        "E3,false,C1,true,2026-01-05T09:00:00Z,,2026-01-06T00:00:00Z",
        "E4,false,C1,false,2190-01-05T09:00:00Z,,2026-01-06T00:00:00Z",
        "E5,false,,false,2026-01-05T09:00:00Z,,2026-01-06T00:00:00Z",
        "E6,false,C1,false,,,2026-01-06T00:00:00Z",
    ]
    found = Found(tmp_path, {"Task": "\n".join((task, *tasks)), "Event": "\n".join((event, *events))})
    told = {key: (found.by_id[key]["time"], data["channel"], data["kind"], data["person_id"]) for key, data in found.of("touch").items()}
    assert told == {
        "T1": ("2026-01-05T10:00:00.000000Z", "inbound", "call", "C1"),
        "T2": ("2026-01-05T00:00:00Z", "outbound", "email", "C1"),
        "T3": ("2026-01-05T00:00:00Z", "outbound", "task", "L1"),
        "T7": ("2026-01-05T00:00:00Z", "outbound", "email", "C1"),
        "E1": ("2026-01-05T09:00:00.000000Z", "outbound", "meeting", "C1"),
        "E2": ("2026-01-05T00:00:00Z", "outbound", "meeting", "C1"),
    }
    assert found.of("touch-retraction") == {
        "T7/deleted@1767744000000": {"touch_source": "salesforce", "touch_id": "T7", "reason": "deleted in Salesforce"}
    }
    assert found.left_out == {
        "copies of a meeting, one for each invited": 1,
        "meetings to come": 1,
        "meetings with nobody": 1,
        "meetings without a date": 1,
        "tasks that are not done": 1,
        "tasks with nobody": 1,
        "tasks without a date": 1,
    }


# Campaigns and what they cost


def test_costs_that_cannot_count_are_told(tmp_path: Path) -> None:
    campaigns = [
        campaign("K1", "Trade Show", "2026-01-04,2026-01-10", "2000", "1234.5"),
        campaign("K2", "Trade Show", "2026-01-04,", "", "-10"),
        campaign("K3", "Trade Show", ",2026-01-10", "", "10"),
        campaign("K4", "Trade Show", "2026-01-10,2026-01-04", "-1", "10"),
        campaign("K5", "Trade Show", "2010-01-01,2026-01-04", "", "10"),
        campaign("K6", "Trade Show", "2026-01-04,2026-01-10", "5", "10", currency="CAN"),
        campaign("K7", "Ads", "2026-01-04,2026-01-10", "5", "10"),
        campaign("K8", "Trade Show", "2026-01-04,2026-01-10", "5", "10", deleted="true"),
    ]
    found = Found(
        tmp_path,
        {"Campaign": "\n".join((CAMPAIGN, *campaigns))},
        {"spend_of": ["Trade Show"], "campaign_types": {"Ads": "ads", "Trade Show": "event"}},
    )
    assert found.of("spend") == {
        "K1/cost@1769904000000": {
            "campaign_id": "K1", "spend_id": "K1", "starts_on": "2026-01-04", "ends_on": "2026-01-10",
            "amount": "1234.50", "currency": "USD", "revision": 1769904000000,
        },
        "K2/cost@1769904000000": {
            "campaign_id": "K2", "spend_id": "K2", "starts_on": "2026-01-04", "ends_on": "2026-01-04",
            "amount": "-10.00", "currency": "USD", "revision": 1769904000000,
        },
    }  # fmt: skip
    assert found.counts["campaign"] == 7
    assert found.data("K6@1769904000000").keys().isdisjoint({"budget", "currency"})
    assert found.data("K1@1769904000000") == {
        "campaign_id": "K1", "name": "K1 name", "channel": "event", "campaign_type": "trade_show", "starts_on": "2026-01-04",
        "ends_on": "2026-01-10", "budget": "2000.00", "currency": "USD", "owner": "O1",
    }  # fmt: skip
    assert found.left_out == {
        "budgets below zero": 1,
        "budgets in CAN, which is no currency: add it to currencies": 1,
        "costs in CAN, which is no currency: add it to currencies": 1,
        "costs of campaigns of more than ten years": 1,
        "costs of campaigns that end before they begin": 1,
        "costs of campaigns whose type is not in spend_of": 1,
        "costs of campaigns without a StartDate": 1,
        "costs of deleted campaigns": 1,
        "deleted campaigns": 1,
        "ends of campaigns before they begin": 1,
    }


# Identity


CONTACT = "Id,IsDeleted,MasterRecordId,AccountId,Email,CreatedDate,SystemModstamp"
A1, A2, A3 = (f"001Ac000000000{number}AAA" for number in (1, 2, 3))


def links_of(found: Found) -> set[tuple[str, str]]:
    return {tuple(f"{data[side]['kind']}:{data[side]['id']}" for side in ("left", "right")) for data in found.of("identity").values()}  # type: ignore[misc]


def test_addresses_link_but_for_those_of_many(tmp_path: Path) -> None:
    def contact(number: int, email: str) -> str:
        return f"C{number},false,,A1,{email},2026-01-01T00:00:00Z,2026-01-02T00:00:00Z"

    addresses = ["Ana@Acme.example ", "info@acme.example", "sales@beta.example", "none"]
    tables = {
        "Contact": "\n".join((CONTACT, *(contact(number, email) for number, email in enumerate(addresses)))),
        "Lead": f"{LEAD}\n{lead('L1', email='ana@acme.example')}",
    }
    ana = "email:" + hashlib.sha256(b"ana@acme.example").hexdigest()[:32]
    found = Found(tmp_path / "on", tables, {"shared_mailboxes": ["Info@", "sales@beta.example"]})
    assert {pair for pair in links_of(found) if "email:" in pair[0]} == {(f"person:{ana}", "person:C0"), (f"person:{ana}", "person:L1")}
    off = Found(tmp_path / "off", tables, {"link_by_email": False})
    assert links_of(off) == {*((f"person:C{number}", "account:A1") for number in range(4)), ("person:L1", "lead:L1")}


def test_merges_and_conversions_link(tmp_path: Path) -> None:
    tables = {
        "Contact": f"{CONTACT}\nC1,false,,,,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z\n"
        "C2,true,C1,A1,,2026-01-01T00:00:00Z,2026-01-09T00:00:00Z",
        "Lead": "\n".join((LEAD, lead("L1", converted_on="2026-01-09"), lead("L2", deleted="true", master="L1"))),
        "Account": "Id,IsDeleted,MasterRecordId,SystemModstamp\nA1,false,,2026-01-01T00:00:00Z\n"
        "A2,true,A1,2026-01-08T00:00:00Z\nA3,false,A3,2026-01-08T00:00:00Z",
    }
    found = Found(tmp_path, tables)
    assert links_of(found) == {
        ("person:C1", "person:C2"),
        ("person:L1", "lead:L1"),
        ("person:L2", "lead:L2"),
        ("person:C1", "lead:L1"),
        ("lead:L1", "lead:L2"),
        ("account:A1", "account:A2"),
    }
    assert found.by_id["person:C1+person:C2@1767916800000"]["time"] == "2026-01-09T00:00:00.000000Z"


MOVES = "Id,ContactId,Field,OldValue,NewValue,CreatedDate"


def windows(found: Found) -> dict[str, tuple[str | None, str | None]]:
    return {
        data["right"]["id"]: (data.get("since"), data.get("until"))
        for data in found.of("identity").values()
        if data["right"]["kind"] == "account"
    }


@pytest.mark.parametrize(
    ("today", "moves", "expected"),
    [
        (A1, [], {A1: (None, None)}),
        (A2, [(A1, A2, "02")], {A1: (None, "02"), A2: ("02", None)}),
        (A3, [(A1, A2, "02"), (A2, A3, "05")], {A1: (None, "02"), A2: ("02", "05"), A3: ("05", None)}),
        (A1, [("", A1, "03")], {A1: ("03", None)}),
        ("", [(A1, "", "03")], {A1: (None, "03")}),
        (A1, [(A1, A2, "02"), (A2, A1, "05")], {A1: (None, None), A2: ("02", "05")}),
        (A1, [(A1, A2, "02"), (A2, A1, "02")], {A1: (None, None)}),
        (A3, [(A1, A2, "02")], {A1: (None, "02"), A2: ("02", None), A3: (None, None)}),
    ],
    ids=["stayed", "moved", "twice", "came", "left", "came back", "a slip of one second", "a gap in the history"],
)
def test_a_contact_that_moved_belongs_to_each_account_for_a_time(
    tmp_path: Path, today: str, moves: list[tuple[str, str, str]], expected: dict[str, tuple[str | None, str | None]]
) -> None:
    lines = [
        f"H{place}{kind},C1,Account,{values[0]},{values[1]},2026-01-{day}T10:00:00Z"
        for place, (old, new, day) in enumerate(moves)
        for kind, values in (("n", ("Acme Inc." if old else "", "Beta" if new else "")), ("i", (old, new)))
    ]
    tables = {
        "Contact": f"{CONTACT}\nC1,false,,{today},,2025-01-01T00:00:00Z,2026-02-01T00:00:00Z",
        "ContactHistory": "\n".join((MOVES, *lines, "Hx,C1,Email,a@b.example,c@b.example,2026-01-09T00:00:00Z")),
    }
    found = windows(Found(tmp_path, tables))
    assert found == {account: tuple(day and f"2026-01-{day}T10:00:00.000000Z" for day in window) for account, window in expected.items()}


def test_versions_of_a_contact_are_moves_too_and_no_id_has_two_contents(tmp_path: Path) -> None:
    header = "Id,AccountId,CreatedDate,SystemModstamp,_fivetran_start,_fivetran_active\n"
    before = f"C1,{A1},2025-01-01T00:00:00Z,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,true\n"
    after = f"C1,{A2},2025-01-01T00:00:00Z,2026-01-05T00:00:00Z,2026-01-05T00:00:00Z,true\n"
    later = f"C1,{A2},2025-01-01T00:00:00Z,2026-01-06T00:00:00Z,2026-01-06T00:00:00Z,true\n"
    found = [
        Found(tmp_path / str(place), {"Contact": header + text})
        for place, text in enumerate((before, before + after, before + after + later))
    ]
    day = "2026-01-05T00:00:00.000000Z"
    assert [windows(one) for one in found] == [{A1: (None, None)}, {A1: (None, day), A2: (day, None)}, {A1: (None, day), A2: (day, None)}]
    assert set(found[1].of("identity")) == {
        f"person:C1+account:{A1}@1767571200000/-1767571200000",
        f"person:C1+account:{A2}@1767571200000/1767571200000-",
    }
    assert found[1].of("identity") == found[2].of("identity")
    assert found[0].of("identity").keys() == {f"person:C1+account:{A1}"}


# Rates


TYPES = "IsoCode,ConversionRate,IsCorporate\nUSD,1.0,true\nEUR,0.9,false\nCAN,1.40,false"
RATES = "Id,IsoCode,StartDate,NextStartDate,ConversionRate,SystemModstamp\n"


def test_rates_come_weekly_as_far_as_the_export(tmp_path: Path) -> None:
    """The open deal was changed on 2 January; the closed one closed on the 20th: the last open range goes as far."""
    tables = {
        "Opportunity": deals(OPEN, deal(2, closes="2026-01-20", flags="true,true")),
        "CurrencyType": TYPES,
        "DatedConversionRate": RATES
        + "1,EUR,2026-01-01,2026-01-10,0.9,\n2,EUR,2026-01-10,9999-12-31,0.850000,\n3,USD,2026-01-01,9999-12-31,1.0,\n"
        + "4,CAN,2026-01-19,9999-12-31,1.4,2026-02-01T00:00:00Z\n5,CHF,2026-06-01,9999-12-31,0.9,\n"
        + "6,SEK,1999-12-30,2000-01-10,9,\n7,NOK,2026-01-01,9999-12-31,0,",
    }
    found = Found(tmp_path, tables, {"currencies": {"CAN": "CAD"}})
    assert {key: (data["base"], data["quote"], data["date"], data["rate"]) for key, data in found.of("fx").items()} == {
        "USDEUR@2026-01-01": ("USD", "EUR", "2026-01-01", "0.9"),
        "USDEUR@2026-01-08": ("USD", "EUR", "2026-01-08", "0.9"),
        "USDEUR@2026-01-10": ("USD", "EUR", "2026-01-10", "0.85"),
        "USDEUR@2026-01-17": ("USD", "EUR", "2026-01-17", "0.85"),
        "USDCAD@2026-01-19/1769904000000": ("USD", "CAD", "2026-01-19", "1.4"),
        "USDCHF@2026-06-01": ("USD", "CHF", "2026-06-01", "0.9"),
        "USDSEK@2000-01-06": ("USD", "SEK", "2000-01-06", "9"),
    }
    assert found.left_out == {"rates of zero or below": 1}
    assert found.by_id["USDCAD@2026-01-19/1769904000000"]["time"] == "2026-02-01T00:00:00.000000Z"


def test_rates_need_a_corporate_currency_and_currencies(tmp_path: Path) -> None:
    rates = RATES + "1,EUR,2026-01-01,9999-12-31,0.9,\n2,CAN,2026-01-01,9999-12-31,1.4,"
    assert Found(tmp_path / "1", {"DatedConversionRate": rates}).left_out == {"dated rates without a corporate currency in CurrencyType": 2}
    found = Found(tmp_path / "2", {"DatedConversionRate": rates, "CurrencyType": TYPES})
    assert found.left_out == {"rates of CAN, which is no currency: add it to currencies": 1}


def test_rates_without_dates_are_proposed_as_fixed_ones(tmp_path: Path) -> None:
    tables = {"Opportunity": deals(OPEN), "CurrencyType": TYPES}
    found = examined("salesforce", written(tmp_path, tables), {"currencies": {"CAN": "CAD"}})
    assert found.proposed == (
        ("reporting", 'fx_policy = "fixed"'),
        ("reporting.fixed_rates", '"USD/CAD" = "1.4"'),
        ("reporting.fixed_rates", '"USD/EUR" = "0.9"'),
    )
    text = "\n".join(f"[{section}]\n{line}" for section, line in found.proposed[:2])
    file = tmp_path / "nisba.toml"
    file.write_text(text, "utf-8")
    assert load_config(file, {}, {}).reporting.fx_policy == "fixed"


# Sections


def test_a_second_organization_has_a_section_and_a_source_of_its_own(tmp_path: Path) -> None:
    export = written(
        tmp_path / "export",
        {"sf_deals": deals(OPEN), "Task": "Id,IsDeleted,WhoId,IsClosed,ActivityDate,SystemModstamp\nT1,true,C1,true,2026-01-01,2026-01-02"},
    )
    (tmp_path / "nisba.toml").write_text(
        f'[adapters.emea]\nadapter = "salesforce"\nfrom = "{export}"\nsource = "salesforce-emea"\n'
        f'tables = {{ opportunity = "sf_deals" }}\n',
        "utf-8",
    )
    config = load_config(tmp_path / "nisba.toml", {}, {})
    (pull,) = pulls(config)
    convert(pull, config, tmp_path / "out")
    found = events_of(tmp_path / "out")
    assert {event["source"] for event in found} == {"salesforce-emea"}
    assert {event["data"].get("touch_source") for event in found} == {None, "salesforce-emea"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stages": {"Verbal": "opne"}}, r"stages: 'Verbal': 'opne' is none of open, won, lost; did you mean 'open'\?"),
        ({"lead_statuses": {"New": "lead"}}, "lead_statuses: 'New': 'lead' is none of inquiry, mql"),
        ({"teams": {"Task": "sale"}}, "'sale' is none of marketing, sales"),
        ({"campain_types": {}}, "there is no setting 'campain_types'; did you mean 'campaign_types'"),
        ({"currency": "DOLLAR"}, "currency: .*DOLLAR"),
        ({"lead_dates": {"mlq": "Lead.x"}}, "there is no 'mlq'; did you mean 'mql'"),
    ],
)
def test_settings_that_are_wrong_are_told(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Found(tmp_path, {}, settings)


# Exports of others


def test_a_genuine_export_of_the_api(sample_data: Path, tmp_path: Path) -> None:
    """An organization whose blank flags say no, without history and list of stages."""
    done = converted("salesforce", sample_data / "salesforce_export", tmp_path, {"fields": {"product": "Opportunity.Product__c"}})
    assert done.events["deal"] == 50
    status = [event["data"]["status"] for event in events_of(tmp_path, "deal")]
    assert [status.count(one) for one in ("won", "lost", "open")] == [12, 3, 35]
    assert done.events["account"] == 22
    assert done.left_out == {"campaign members who have not responded": 68, "tasks that are not done": 75}
    assert sum(table.num_rows for table in decoded(tmp_path).values()) == sum(done.events.values())


def test_the_seeds_of_fivetran(sample_data: Path, tmp_path: Path) -> None:
    """Ten deals, all deleted, five of them won: the last known amounts add up, and none of them is in any figure."""
    seeds = sample_data / "adapters" / "salesforce" / "fivetran_seeds"
    tables = {name: f"sf_{name}_data" for name in ("opportunity", "account", "contact", "lead", "task", "event")}
    done = converted("salesforce", seeds, tmp_path / "current", {"tables": tables})
    states = [event["data"] for event in events_of(tmp_path / "current", "deal")]
    assert (len(states), sum(state["deleted"] for state in states)) == (10, 10)
    assert sum(float(state.get("amount", 0)) for state in states) == 24_530_001
    assert sum(state["status"] == "won" for state in states) == 5
    assert (done.events["account"], done.events["touch"]) == (10, 20)
    converted("salesforce", seeds, tmp_path / "history", {"tables": {**tables, "opportunity": "sf_opportunity_history_data"}})
    versions = events_of(tmp_path / "history", "deal")
    assert len(versions) == 20  # one version each, and what holds now
    assert sum(version["data"]["deleted"] for version in versions) == 20
    assert sum(table.num_rows for table in decoded(tmp_path / "history").values()) == len(events_of(tmp_path / "history"))


def test_an_export_without_dates_of_creation_says_so(sample_data: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="the table Opportunity has no column created_date"):
        converted("salesforce", sample_data / "npsp", tmp_path)
