"""Two exports with Salesforce's own objects: campaigns and members, opportunities, contact roles, contacts, accounts.

They are turned into events here and not by an adapter: neither names a currency, keeps a history of stages, or has a date of response,
so that reading them takes assumptions which hold for these two alone: dollars; one state for each opportunity; a member's own
date, or the month in its campaign's name. An adapter must not guess (docs/adapters.md).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from nisba.attribution import fold
from nisba.config import Attribution, Config, CustomModel
from tests.oracle import Rows
from tests.oracle.compare import rows_of
from tests.strategies import Event, event, facts_of

Table = list[dict[str, str]]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAPPINGS: dict[str, Literal["account", "contacts", "primary_contact"]] = {
    "default": "account",
    "by_contacts": "contacts",
    "by_primary": "primary_contact",
}


def read(file: Path) -> Table:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def member_of(account_id: str, contact_id: str) -> Event:
    ends = {"left": {"kind": "person", "id": contact_id}, "right": {"kind": "account", "id": account_id}}
    return event("identity", "salesforce", f"contact {contact_id}", "2015-01-01T00:00:00Z", {"op": "link", **ends})


def touch(member_id: str, person_id: str, campaign_id: str, day: str) -> Event:
    data = {"person_id": person_id, "campaign_id": campaign_id, "channel": "campaign", "kind": "sent", "team": "marketing"}
    return event("touch", "salesforce", f"member {member_id}", f"{day}T00:00:00Z", data)


def deal(deal_id: str, account_id: str, stage: str, amount: str, day: str, contacts: list[str], primary: str | None) -> Event:
    """Return an opportunity's one state; the exports have no day of opening that comes before the close."""
    status = {"Closed Won": "won", "Closed Lost": "lost"}.get(stage, "open")
    data = {"deal_id": deal_id, "account_id": account_id, "stage": stage, "status": status, "amount": amount, "currency": "USD"}
    dates = {"opened_at": f"{day}T00:00:00Z", "closed_at": None if status == "open" else f"{day}T00:00:00Z"}
    people = {"contact_ids": contacts, "primary_contact_id": primary}
    return event("deal", "salesforce", deal_id, "2024-01-25T00:00:00Z", data | dates | people)


def books(events: list[Event], lookback_days: int, *models: CustomModel) -> Rows:
    attribution = Attribution(models=("linear",), default_model="linear", lookback_days=lookback_days)
    return rows_of(fold(facts_of(events), Config(attribution=attribution, model=models)).tables())


@pytest.fixture(scope="module")
def bank_tables(sample_data: Path) -> dict[str, Table]:
    return {name: read(sample_data / "salesforce_export" / f"{name}.csv") for name in ("Opportunity", "CampaignMember", "Contact")}


@pytest.fixture(scope="module")
def bank(bank_tables: dict[str, Table]) -> Rows:
    deals = [
        deal(row["Id"], row["AccountId"], row["StageName"], row["Amount"], row["CloseDate"], [], None) for row in bank_tables["Opportunity"]
    ]
    links = [member_of(row["AccountId"], row["Id"]) for row in bank_tables["Contact"] if row["AccountId"]]
    touches = [
        touch(row["Id"], row["ContactId"] or f"lead {row['LeadId']}", row["CampaignId"], row["Added_Date__c"])
        for row in bank_tables["CampaignMember"]
    ]
    return books([*deals, *links, *touches], 180)


def test_totals_by_stage(bank: Rows) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in bank["deal"]:
        totals[row["stage"]] += row["amount"]
    assert totals == {
        "Closed Won": Decimal("10542562.98"),
        "Closed Lost": Decimal("3058912.50"),
        "Discovery": Decimal("5564836.63"),
        "Negotiation": Decimal("6953010.61"),
        "Proposal/Quote": Decimal("8216725.41"),
        "Qualification": Decimal("9267497.85"),
    }
    pending = sum(entry["amount"] for entry in bank["entry"] if not entry["is_final"])
    assert pending == sum(totals[stage] for stage in ("Discovery", "Negotiation", "Proposal/Quote", "Qualification"))


def test_bookings_by_quarter_are_those_of_salesforce(bank: Rows, bank_tables: dict[str, Table]) -> None:
    """Salesforce wrote the fiscal quarter of the close beside each opportunity."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for entry in (entry for entry in bank["entry"] if entry["is_final"]):
        found[f"{entry['booked_on'].year} {(entry['booked_on'].month + 2) // 3}"] += entry["amount"]
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in (row for row in bank_tables["Opportunity"] if row["IsWon"]):
        expected[row["Fiscal"]] += Decimal(row["Amount"])
    assert found == expected
    assert found["2023 4"] == Decimal("4753026.31")


def test_influence_of_campaigns_on_won_deals(bank: Rows) -> None:
    """3 of 12: the others have no member at their account, or one too late or too early.

    The campaign member of one account was added eight days after its deal of 1,230,941.19 was won: it earns nothing.
    """
    influenced = {row["deal_id"] for row in bank["journey_touch"]}
    won = {row["deal_id"]: row["amount"] for row in bank["deal"] if row["status"] == "won"}
    assert sorted(won[deal_id] for deal_id in influenced & won.keys()) == [
        Decimal("734410.15"),
        Decimal("752977.50"),
        Decimal("1049308.19"),
    ]
    credited: dict[int, Decimal] = defaultdict(Decimal)
    for line in (line for line in bank["credit_line"] if line["deal_id"] in won):
        credited[min(line["ordinal"], 1)] += line["revenue"]
    assert credited == {1: Decimal("2536695.84"), 0: Decimal("8005867.14")}
    (after_the_close,) = (deal_id for deal_id, amount in won.items() if amount == Decimal("1230941.19"))
    assert after_the_close not in influenced


@pytest.fixture(scope="module")
def charity_tables(sample_data: Path) -> dict[str, Table]:
    names = ("Opportunity", "OpportunityContactRole", "CampaignMember", "Campaign", "Contact")
    return {name: read(sample_data / "npsp" / f"{name}.csv") for name in names}


@pytest.fixture(scope="module")
def contacts(charity_tables: dict[str, Table]) -> dict[str, list[str]]:
    """The contacts of each opportunity by its roles."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in charity_tables["OpportunityContactRole"]:
        found[row["opportunity_id"]].append(row["contact_id"])
    return found


@pytest.fixture(scope="module")
def meetings(charity_tables: dict[str, Table]) -> dict[str, str]:
    """The day of each campaign that has one: `Sept 2015 Meeting` is its first; `All Contacts` has none."""
    names = {row["id"]: row["name"].split() for row in charity_tables["Campaign"]}
    return {id_: f"{name[1]}-{MONTHS.index(name[0][:3]) + 1:02}-01" for id_, name in names.items() if len(name) == 3}


@pytest.fixture(scope="module")
def charity(charity_tables: dict[str, Table], contacts: dict[str, list[str]], meetings: dict[str, str]) -> Rows:
    deals = [
        deal(
            row["id"],
            row["account_id"],
            row["stage_name"],
            row["amount"],
            row["close_date"],
            contacts[row["id"]],
            row["primary_contact__c"] or None,
        )
        for row in charity_tables["Opportunity"]
    ]
    links = [member_of(row["account_id"], row["id"]) for row in charity_tables["Contact"]]
    members = [row for row in charity_tables["CampaignMember"] if row["campaign_id"] in meetings]
    touches = [touch(row["id"], row["contact_id"], row["campaign_id"], meetings[row["campaign_id"]]) for row in members]
    models = [CustomModel(id=name, rest=Decimal(100), mapping=mapping) for name, mapping in MAPPINGS.items() if name != "default"]
    return books([*deals, *links, *touches], 2_000, *models)


def test_donations_by_year(charity: Rows) -> None:
    years: dict[int, Decimal] = defaultdict(Decimal)
    for entry in (entry for entry in charity["entry"] if entry["is_final"]):
        years[entry["booked_on"].year] += entry["amount"]
    assert years == {2016: 524_429, 2017: 572_986, 2018: 607_919, 2019: 34_221}
    assert Counter(row["status"] for row in charity["deal"]) == {"won": 1516, "open": 1}


def attended(tables: dict[str, Table], meetings: dict[str, str]) -> dict[str, set[tuple[str, str]]]:
    """Return the (contact, campaign) pairs that each account hears of: of its contacts, and of those that its opportunities name."""
    accounts: dict[str, set[str]] = defaultdict(set)
    account_of = {row["id"]: row["account_id"] for row in tables["Opportunity"]}
    for row in tables["Contact"]:
        accounts[row["id"]].add(row["account_id"])
    for row in tables["OpportunityContactRole"]:
        accounts[row["contact_id"]].add(account_of[row["opportunity_id"]])
    pairs: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in (row for row in tables["CampaignMember"] if row["campaign_id"] in meetings):
        for account in accounts[row["contact_id"]]:
            pairs[account].add((row["contact_id"], row["campaign_id"]))
    return pairs


def test_mappings_of_touches_to_deals(
    charity: Rows, charity_tables: dict[str, Table], contacts: dict[str, list[str]], meetings: dict[str, str]
) -> None:
    """A donation hears of all members of its account, or of its contacts, or of its donor alone: sets, straight from the tables."""
    expected: dict[str, set[tuple[str, str, str]]] = {name: set() for name in MAPPINGS}
    pairs = attended(charity_tables, meetings)
    for row in charity_tables["Opportunity"]:
        touches = {(row["id"], *pair) for pair in pairs[row["account_id"]]}
        expected["default"] |= touches
        expected["by_contacts"] |= {touch for touch in touches if touch[1] in contacts[row["id"]]}
        expected["by_primary"] |= {touch for touch in touches if touch[1] == row["primary_contact__c"]}
    found: dict[str, set[tuple[str, str, str]]] = {name: set() for name in MAPPINGS}
    for row in charity["journey_touch"]:
        found[row["journey"]].add((row["deal_id"], row["actor"].removeprefix("person:"), row["campaign_id"]))
    assert found == expected
    sizes = {name: (len(touches), len({deal_id for deal_id, *_ in touches})) for name, touches in found.items()}
    assert sizes == {"default": (27_527, 1_067), "by_contacts": (1_698, 275), "by_primary": (794, 184)}
    assert len(charity["journey_touch"]) == 27_527 + 1_698 + 794
