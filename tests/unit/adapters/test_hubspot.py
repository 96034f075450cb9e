"""HubSpot: every rule of its adapter on exports small enough to read, and the same events of every layout."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adapters import adapter
from nisba.errors import SourceError
from schemas.decoder import decode_block
from schemas.records import RecordBlock
from tests.unit.adapters.hubspot_world import LAYOUTS, Deal, Portal, export, stamp
from tests.unit.adapters.running import converted, events_of, examined

EUR: Mapping[str, Any] = {"currency": "EUR"}
BEGUN, OFFERED, WON_AT = stamp("2026-01-05 09:00:00.100"), stamp("2026-02-01 10:30:00.250"), stamp("2026-03-31 22:10:00.999")
CLOSED = str(stamp("2026-03-31 21:00"))


def won_deal(id: int = 101, **more: Any) -> Deal:
    """Return a deal that was opened, offered, and won with its close date in one millisecond."""
    changes = [
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
            Deal(109, [(OFFERED, "dealstage", "s1"), (BEGUN, "amount", "5"), (BEGUN, "dealstage", "won")], merged=(107, 108), contacts=(302,)),
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
