"""Random organizations, exported at random times: no id names two contents, and all exports together say what happened."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nisba.attribution import fold
from nisba.attribution.facts import Facts
from nisba.config import load_config
from tests.unit.adapters.running import converted, events_of
from tests.unit.adapters.test_adapter_figures import decoded

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
STATUS = {"Talk": "open", "Offer": "open", "Won": "won", "Lost": "lost"}
SETTINGS = {"campaign_types": {"Fair": "event/event_attended"}}
DEALS, CONTACTS, MEMBERS, EXPORTS = 30, 8, 8, 4
Row = dict[str, Any]


def sf(prefix: str, number: int) -> str:
    return f"{prefix}{number:012d}AAA"


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@dataclass
class Thing:
    """A record: its rows, each from an instant on."""

    id: str
    rows: list[tuple[datetime, Row]]

    def at(self, instant: datetime) -> tuple[datetime, Row] | None:
        return next((row for row in reversed(self.rows) if row[0] <= instant), None)


@dataclass
class World:
    """Everything that happens in an organization."""

    random: Random
    deals: list[Thing] = field(default_factory=list)
    history: list[tuple[datetime, Row]] = field(default_factory=list)
    roles: list[Thing] = field(default_factory=list)
    accounts: list[Thing] = field(default_factory=list)
    contacts: list[Thing] = field(default_factory=list)
    moves: list[tuple[datetime, Row]] = field(default_factory=list)
    campaigns: list[Thing] = field(default_factory=list)
    members: list[Thing] = field(default_factory=list)

    def later(self, at: datetime) -> datetime:
        return at + timedelta(seconds=self.random.choice([0, 0, 3600, 86400 * self.random.randrange(1, 30)]))

    def some_time(self) -> datetime:
        return START + timedelta(seconds=self.random.randrange(90 * 86400))

    def some_day(self, at: datetime) -> date:
        return (at + timedelta(days=self.random.randrange(-9, 60))).date()


def world_of(seed: int) -> World:
    world = World(Random(seed))
    for number in range(3):
        rows = [(START - timedelta(days=9), {"Industry": "Steel"}), (world.some_time(), {"Industry": "Energy"})]
        world.accounts.append(Thing(sf("001", number), rows))
    for number in range(DEALS):
        _make_deal(world, sf("006", number), sf("001", number % 3))
    for number in range(CONTACTS):
        _make_contact(world, sf("003", number))
    for number in range(3):
        _make_campaign(world, sf("701", number))
    for number in range(MEMBERS):
        _make_member(world, number)
    return world


def _make_deal(world: World, name: str, account: str) -> None:
    random, at = world.random, world.some_time()
    row = {
        "StageName": "Talk",
        "Amount": random.randrange(1, 99999) / 100,
        "CloseDate": world.some_day(at),
        "OwnerId": "1",
        "IsDeleted": "false",
    }
    rows = []
    for place in range(random.randrange(1, 8)):
        rows.append((at, {**row, "AccountId": account, "Name": f"Deal {place}"}))
        world.history.append((at, {"Id": sf("008", len(world.history)), "OpportunityId": name, **row}))
        at = world.later(at)
        changed = random.choice(["StageName", "StageName", "Amount", "CloseDate", "OwnerId"])
        value = {
            "StageName": random.choice(list(STATUS)),
            "Amount": random.choice(["", random.randrange(1, 99999) / 100]),
            "CloseDate": world.some_day(at),
            "OwnerId": str(random.randrange(9)),
        }[changed]
        row = {**row, changed: value}
    if random.random() < 0.1:
        rows.append((at, {**rows[-1][1], "IsDeleted": "true"}))
    world.deals.append(Thing(name, rows))
    begins = rows[0][0] + timedelta(hours=5)
    role = {"OpportunityId": name, "ContactId": sf("003", random.randrange(CONTACTS)), "IsPrimary": "true", "IsDeleted": "false"}
    world.roles.append(Thing(sf("00K", len(world.roles)), [(begins, role), (begins + timedelta(days=20), {**role, "IsDeleted": "true"})]))


def _make_contact(world: World, name: str) -> None:
    at, account = START - timedelta(days=5), sf("001", world.random.randrange(3))
    rows: list[tuple[datetime, Row]] = [(at, {"AccountId": account, "Email": f"{name}@one.example"})]
    for _ in range(world.random.randrange(3)):
        at = max(at, START) + timedelta(days=world.random.randrange(1, 60))
        before, account = account, world.random.choice([sf("001", number) for number in range(3) if sf("001", number) != account])
        rows.append((at, {"AccountId": account, "Email": f"{name}@one.example"}))
        for old, new in (("One", "Two"), (before, account)):
            row = {"Id": sf("03h", len(world.moves)), "ContactId": name, "Field": "Account", "OldValue": old, "NewValue": new}
            world.moves.append((at, row))
    world.contacts.append(Thing(name, rows))


def _make_campaign(world: World, name: str) -> None:
    at = START
    rows: list[tuple[datetime, Row]] = []
    for _ in range(3):
        begins = world.some_day(at)
        rows.append(
            (at, {"Name": name, "Type": "Fair", "StartDate": begins, "EndDate": begins, "ActualCost": world.random.randrange(1, 999)})
        )
        at += timedelta(days=world.random.randrange(1, 60))
    world.campaigns.append(Thing(name, rows))


def _make_member(world: World, number: int) -> None:
    at = world.some_time()
    row = {"CampaignId": sf("701", number % 3), "ContactId": sf("003", number % CONTACTS), "HasResponded": "false", "IsDeleted": "false"}
    responded = {**row, "HasResponded": "true", "FirstRespondedDate": (at + timedelta(days=3)).date()}
    rows: list[tuple[datetime, Row]] = [(at, row), (at + timedelta(days=3), responded)]
    if number % 3 == 0:
        rows.append((at + timedelta(days=40), {**responded, "IsDeleted": "true"}))
    world.members.append(Thing(sf("00v", number), rows))


# An export


def _now(things: list[Thing], at: datetime) -> Iterator[Row]:
    for thing in things:
        found = thing.at(at)
        if found is not None:
            created = thing.rows[0][0]
            yield {"Id": thing.id, **found[1], "CreatedDate": text(created), "SystemModstamp": text(found[0])}


def _flagged(row: Row) -> Row:
    status = STATUS[row["StageName"]]
    return {**row, "IsClosed": str(status != "open").lower(), "IsWon": str(status == "won").lower()}


def _versions(things: list[Thing], at: datetime) -> Iterator[Row]:
    """Yield each version that a loader could see: the last of each second."""
    for thing in things:
        seen = [
            (when, row)
            for place, (when, row) in enumerate(thing.rows)
            if when <= at and [w for w, _ in thing.rows[place + 1 :]].count(when) == 0
        ]
        for place, (when, row) in enumerate(seen):
            end = text(seen[place + 1][0]) if place + 1 < len(seen) else "9999-12-31T00:00:00Z"
            yield {
                "Id": thing.id, **row, "CreatedDate": text(thing.rows[0][0]), "SystemModstamp": text(when),
                "_fivetran_start": text(when), "_fivetran_end": end, "_fivetran_active": str(end.startswith("9999")).lower(),
            }  # fmt: skip


def export(world: World, at: datetime, folder: Path, *, has_versions: bool) -> None:
    deleted = {thing.id for thing in world.deals if (found := thing.at(at)) and found[1]["IsDeleted"] == "true"}
    history = [
        {**row, "CreatedDate": text(when), "IsDeleted": str(row["OpportunityId"] in deleted).lower()}
        for when, row in world.history
        if when <= at
    ]
    tables: dict[str, list[Row]] = {
        "Opportunity": [_flagged(row) for row in (_versions if has_versions else _now)(world.deals, at)],
        "OpportunityHistory": [] if has_versions else history,
        "OpportunityStage": [_flagged({"ApiName": stage, "StageName": stage}) for stage in STATUS],
        "OpportunityContactRole": [*_now(world.roles, at)],
        "Account": [*_now(world.accounts, at)],
        "Contact": [*_now(world.contacts, at)],
        "ContactHistory": [{**row, "CreatedDate": text(when)} for when, row in world.moves if when <= at],
        "Campaign": [*_now(world.campaigns, at)],
        "CampaignMember": [*_now(world.members, at)],
    }
    folder.mkdir()
    for name, rows in tables.items():
        world.random.shuffle(rows)
        columns = sorted(set().union(*rows))
        if rows:
            with (folder / f"{name}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, columns)
                writer.writeheader()
                writer.writerows(rows)


# What all exports together say


def winners(events: list[dict[str, Any]], fact_type: str, key: Any) -> dict[Any, dict[str, Any]]:
    """Return the winning event of each register: by revision, time and id."""
    found = [event for event in events if event["type"] == f"nisba.{fact_type}.v1"]
    ordered = sorted(found, key=lambda event: (event["data"].get("revision", 0), event["time"], event["id"]))
    return {key(event["data"]): event["data"] for event in ordered}


def without_repeats(states: list[Any]) -> list[Any]:
    return [state for place, state in enumerate(states) if place == 0 or states[place - 1] != state]


def check_deals(world: World, events: list[dict[str, Any]], last: datetime, *, has_versions: bool) -> int:
    checked = 0
    for thing in world.deals:
        rows = [row for _, row in thing.rows if _ <= last]
        if has_versions:
            rows = [
                row for place, (when, row) in enumerate(thing.rows) if when <= last and when not in [w for w, _ in thing.rows[place + 1 :]]
            ]
        mine = [event["data"] for event in events if event["data"].get("deal_id") == thing.id and event["type"] == "nisba.deal.v1"]
        states = sorted(mine, key=lambda data: data["revision"])
        told = [(s["stage"], s["status"], s.get("amount"), s["closed_on"]) for s in states]
        true = [
            (row["StageName"], STATUS[row["StageName"]], f"{row['Amount']:.2f}" if row["Amount"] != "" else None, str(row["CloseDate"]))
            for row in rows
        ]
        assert without_repeats(told) == without_repeats(true)
        if rows:
            checked += 1
            assert states[-1].get("deleted", False) == (rows[-1]["IsDeleted"] == "true")
            assert states[-1]["owner"] == rows[-1]["OwnerId"]
    return checked


def check_registers(world: World, events: list[dict[str, Any]], last: datetime) -> None:
    spends = winners(events, "spend", lambda data: data["spend_id"])
    costs = {row["Id"]: row for row in _now(world.campaigns, last)}
    assert {key: (data["starts_on"], data["amount"]) for key, data in spends.items()} == {
        key: (str(row["StartDate"]), f"{row['ActualCost']}.00") for key, row in costs.items()
    }
    retracted = {event["data"]["touch_id"] for event in events if event["type"] == "nisba.touch-retraction.v1"}
    touches = {event["id"] for event in events if event["type"] == "nisba.touch.v1"} - retracted
    members = [row for row in _now(world.members, last) if row["HasResponded"] == "true" and row["IsDeleted"] == "false"]
    assert touches == {f"{row['Id']}/responded" for row in members}
    check_memberships(world, events, last)


def check_memberships(world: World, events: list[dict[str, Any]], last: datetime) -> None:
    """The window of a pair is from the first time that the contact came to the last time that it left."""
    links = winners(events, "identity", lambda data: (data["left"]["id"], data["right"]["id"], data["right"]["kind"]))
    told = {key[:2]: (data.get("since"), data.get("until")) for key, data in links.items() if key[2] == "account"}
    true: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    for thing in world.contacts:
        stays = [(when, row["AccountId"]) for when, row in thing.rows if when <= last]
        ends = [when for when, _ in stays[1:]] + [None]
        for account in {account for _, account in stays}:
            places = [place for place, (_, one) in enumerate(stays) if one == account]
            since, until = (None if places[0] == 0 else stays[places[0]][0]), ends[places[-1]]
            true[thing.id, account] = tuple(when and when.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for when in (since, until))  # type: ignore[assignment]
    assert told == true


@pytest.mark.parametrize("has_versions", [False, True], ids=["history rows", "versions"])
@pytest.mark.parametrize("seed", [3, 5, 6])
def test_exports_at_any_time_agree(seed: int, has_versions: bool, tmp_path: Path) -> None:
    world = world_of(seed)
    times = sorted(START + timedelta(seconds=world.random.randrange(20 * 86400, 200 * 86400)) for _ in range(EXPORTS))
    union: dict[tuple[str, str], dict[str, Any]] = {}
    for number, at in enumerate(times):
        export(world, at, tmp_path / f"export_{number}", has_versions=has_versions)
        converted("salesforce", tmp_path / f"export_{number}", tmp_path / f"out_{number}", SETTINGS, currency="USD", time_zone="UTC")
        for event in events_of(tmp_path / f"out_{number}"):
            assert union.setdefault((event["type"], event["id"]), event) == event
    assert check_deals(world, [*union.values()], times[-1], has_versions=has_versions) > DEALS / 2
    check_registers(world, [*union.values()], times[-1])
    if not has_versions:
        check_books(tmp_path)


def check_books(folder: Path) -> None:
    """The last export alone gives the books of all of them."""
    whole = folder / "whole"
    whole.mkdir()
    for file in (folder / f"out_{EXPORTS - 1}").iterdir():
        parts = [folder / f"out_{number}" / file.name for number in range(EXPORTS)]
        (whole / file.name).write_bytes(b"".join(part.read_bytes() for part in parts if part.exists()))
    config = load_config(None, {}, {"attribution.models": ["linear"], "attribution.default_model": "linear"})
    one, other = (fold(Facts.of(**decoded(each)), config).entry for each in (whole, folder / f"out_{EXPORTS - 1}"))
    money = [name for name in one.schema.names if name not in ("source", "event_id")]
    assert one.select(money).equals(other.select(money))
    assert one.num_rows > 0
