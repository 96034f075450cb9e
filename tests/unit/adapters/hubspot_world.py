"""A small HubSpot portal, and how Fivetran, dlt and Airbyte write it: one truth, three layouts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

__all__ = ["LAYOUTS", "Change", "Deal", "Portal", "export", "iso", "stamp"]

Rows = list[dict[str, Any]]
Change = tuple[int, str, str | None]
"""Milliseconds, the property, its value; None: it was cleared."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def stamp(text: str) -> int:
    """Return the milliseconds of a UTC time such as `2026-03-01 10:00`."""
    return (datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - EPOCH) // timedelta(milliseconds=1)


def iso(ms: int | None, between: str = "T", end: str = "Z") -> str | None:
    """Return milliseconds as text with three digits; None stays None."""
    return None if ms is None else (EPOCH + timedelta(milliseconds=ms)).strftime(f"%Y-%m-%d{between}%H:%M:%S.") + f"{ms % 1000:03d}{end}"


@dataclass
class Deal:
    """A deal: its changes as (milliseconds, property, value), and what its row says besides."""

    id: int
    changes: list[Change]
    company: int | None = None
    contacts: tuple[int, ...] = ()
    merged: tuple[int, ...] = ()
    is_deleted: bool = False
    modified: int | None = None
    name: str = "Deal"
    created_ms: int | None = None

    def now(self, name: str) -> str | None:
        """Return the value of a property after all changes."""
        known = [value for _, changed, value in sorted(self.changes, key=lambda change: change[0]) if changed == name]
        return known[-1] if known else None

    @property
    def stamp(self) -> int:
        """Return when the deal was changed last."""
        return self.modified or max(ms for ms, *_ in self.changes)

    @property
    def created(self) -> int:
        """Return when the deal was made."""
        return self.created_ms or min(ms for ms, *_ in self.changes)


@dataclass
class Portal:
    """Everything that a portal holds, as far as the adapter reads it."""

    deals: list[Deal] = field(default_factory=list)
    stages: Mapping[str, tuple[bool, str]] = field(
        default_factory=lambda: {"s1": (False, "0.2"), "won": (True, "1.0"), "lost": (True, "0.0")}
    )
    contacts: Rows = field(default_factory=list)
    contact_changes: list[tuple[int, int, str, str | None]] = field(default_factory=list)
    companies: Rows = field(default_factory=list)
    emails: Rows = field(default_factory=list)
    forms: Rows = field(default_factory=list)
    meetings: Rows = field(default_factory=list)
    calls: Rows = field(default_factory=list)


def _fivetran(portal: Portal) -> dict[str, Rows]:
    def time(ms: int | None) -> str | None:
        return iso(ms, " ", "")

    synced = "2026-07-01 05:00:00"
    return {
        "deal": [
            {
                "deal_id": deal.id,
                "is_deleted": str(deal.is_deleted).lower(),
                "deal_pipeline_stage_id": deal.now("dealstage"),
                "owner_id": 41,
                "property_dealname": deal.name,
                "property_amount": deal.now("amount"),
                "property_closedate": _fivetran_value("closedate", deal.now("closedate")),
                "property_createdate": time(deal.created),
                "property_deal_currency_code": deal.now("deal_currency_code"),
                "property_hs_lastmodifieddate": time(deal.stamp),
                "_fivetran_synced": synced,
            }
            for deal in portal.deals
        ],
        "deal_property_history": [
            {"deal_id": deal.id, "timestamp": time(ms), "name": name, "value": value}
            for deal in portal.deals
            for ms, name, value in deal.changes
        ],
        "deal_pipeline_stage": [
            {"stage_id": stage, "closed_won": str(odds == "1.0").lower(), "is_closed": str(closed).lower(), "probability": odds}
            for stage, (closed, odds) in portal.stages.items()
        ],
        "merged_deal": [{"deal_id": deal.id, "merged_deal_id": other} for deal in portal.deals for other in deal.merged],
        "deal_company": [{"deal_id": deal.id, "company_id": deal.company, "type_id": 5} for deal in portal.deals if deal.company],
        "deal_contact": [{"deal_id": deal.id, "contact_id": one, "type_id": 3} for deal in portal.deals for one in deal.contacts],
        "contact": [
            {
                "id": row["id"],
                "property_email": row.get("email"),
                "property_hs_merged_object_ids": row.get("merged"),
                "property_createdate": time(row["created"]),
                "property_associatedcompanyid": row.get("company"),
                "_fivetran_synced": synced,
            }
            for row in portal.contacts
        ],
        "contact_property_history": [
            {"contact_id": contact, "timestamp": time(ms), "name": name, "value": value}
            for contact, ms, name, value in portal.contact_changes
        ],
        "company": [
            {
                "id": row["id"],
                "is_deleted": "false",
                "property_name": row["name"],
                "property_industry": row.get("industry"),
                "property_hs_merged_object_ids": row.get("merged"),
                "property_createdate": time(row["created"]),
                "property_hs_lastmodifieddate": time(row["modified"]),
            }
            for row in portal.companies
        ],
        "contact_form_submission": [
            {"contact_id": row["contact"], "conversion_id": row["id"], "timestamp": time(row["at"]), "page_url": row["url"]}
            for row in portal.forms
        ],
        "email_event": [
            {
                "id": row["id"],
                "created": time(row["at"]),
                "type": row["type"],
                "recipient": row["to"],
                "filtered_event": str(row.get("bot", False)).lower(),
                "obsoleted_by_id": row.get("obsoleted_by"),
                "email_campaign_id": row.get("campaign"),
            }
            for row in portal.emails
        ],
        "engagement_meeting": [
            {"engagement_id": row["id"], "start_time": time(row["at"]), "meeting_outcome": row["outcome"]} for row in portal.meetings
        ],
        "engagement_call": [
            {"engagement_id": row["id"], "property_hs_timestamp": time(row["at"]), "property_hs_call_direction": row["direction"]}
            for row in portal.calls
        ],
        "engagement_contact": [
            {"engagement_id": row["id"], "contact_id": one} for row in (*portal.meetings, *portal.calls) for one in row["contacts"]
        ],
    }


def _fivetran_value(name: str, value: str | None) -> str | None:
    """Return a current value: instants are milliseconds in the history, and text in the row."""
    return iso(int(value), " ", "") if name == "closedate" and value else value


def _dlt(portal: Portal) -> dict[str, Rows]:
    return {
        "deals": [
            {
                "hs_object_id": float(deal.id),
                "id": deal.id,
                "amount": deal.now("amount"),
                "closedate": _close(deal),
                "createdate": iso(deal.created),
                "dealname": deal.name,
                "dealstage": deal.now("dealstage"),
                "deal_currency_code": deal.now("deal_currency_code"),
                "hubspot_owner_id": 41,
                "hs_lastmodifieddate": iso(deal.stamp),
                "is_deleted": str(deal.is_deleted).lower(),
                "hs_merged_object_ids": ";".join(map(str, deal.merged)),
                "_dlt_load_id": "1795647114.81",
            }
            for deal in portal.deals
        ],
        "deals_property_history": [
            {"object_id": deal.id, "property_name": name, "value": value, "timestamp": iso(ms), "source_type": "CRM_UI"}
            for deal in portal.deals
            for ms, name, value in deal.changes
        ],
        "pipelines_deals__stages": [
            {"id": stage, "metadata__is_closed": str(closed).lower(), "metadata__probability": odds, "archived": "false"}
            for stage, (closed, odds) in portal.stages.items()
        ],
        "companies__deals": [{"value": float(deal.company), "deals_id": deal.id} for deal in portal.deals if deal.company],
        "contacts__deals": [{"value": one, "deals_id": deal.id} for deal in portal.deals for one in deal.contacts],
        "contacts": [
            {
                "id": row["id"],
                "email": row.get("email"),
                "hs_calculated_merged_vids": _vids(row.get("merged")),
                "createdate": iso(row["created"]),
                "associatedcompanyid": row.get("company"),
            }
            for row in portal.contacts
        ],
        "contacts_property_history": [
            {"object_id": contact, "property_name": name, "value": value, "timestamp": iso(ms)}
            for contact, ms, name, value in portal.contact_changes
        ],
        "companies": [
            {
                "id": row["id"],
                "name": row["name"],
                "industry": row.get("industry"),
                "hs_merged_object_ids": row.get("merged"),
                "createdate": iso(row["created"]),
                "hs_lastmodifieddate": iso(row["modified"]),
            }
            for row in portal.companies
        ],
    }


def _close(deal: Deal) -> str | None:
    value = deal.now("closedate")
    return iso(int(value)) if value else None


def _vids(merged: str | None) -> str | None:
    return ";".join(f"{one}:1617297167000" for one in merged.split(";")) if merged else None


def _airbyte(portal: Portal) -> dict[str, Rows]:
    return {
        "deals": [
            {
                "id": str(deal.id),
                "createdAt": iso(deal.created),
                "updatedAt": iso(deal.stamp),
                "archived": False,
                "companies": [str(deal.company)] if deal.company else [],
                "contacts": [str(one) for one in deal.contacts],
                "properties_amount": float(deal.now("amount") or 0) if deal.now("amount") else None,
                "properties_closedate": _close(deal),
                "properties_createdate": iso(deal.created),
                "properties_dealname": deal.name,
                "properties_dealstage": deal.now("dealstage"),
                "properties_deal_currency_code": deal.now("deal_currency_code"),
                "properties_hubspot_owner_id": "41",
                "properties_hs_lastmodifieddate": iso(deal.stamp),
                "properties_hs_merged_object_ids": ";".join(map(str, deal.merged)) or None,
                "_airbyte_extracted_at": "2026-07-01T05:00:00Z",
            }
            for deal in portal.deals
            if not deal.is_deleted
        ],
        "deals_archived": [
            {
                "id": str(deal.id),
                "createdAt": iso(deal.created),
                "updatedAt": iso(deal.stamp),
                "archived": True,
                "properties_amount": deal.now("amount"),
                "properties_closedate": _close(deal),
                "properties_createdate": iso(deal.created),
                "properties_dealname": deal.name,
                "properties_dealstage": deal.now("dealstage"),
                "properties_deal_currency_code": deal.now("deal_currency_code"),
                "properties_hubspot_owner_id": "41",
                "properties_hs_lastmodifieddate": iso(deal.stamp),
            }
            for deal in portal.deals
            if deal.is_deleted
        ],
        "deals_property_history": [
            {"dealId": deal.id, "property": name, "value": value, "timestamp": ms, "sourceType": "CRM_UI"}
            for deal in portal.deals
            for ms, name, value in deal.changes
        ],
        "deal_pipelines": [
            {
                "pipelineId": "default",
                "label": "Sales",
                "stages": [
                    {"stageId": stage, "label": stage, "metadata": {"isClosed": str(closed).lower(), "probability": odds}}
                    for stage, (closed, odds) in portal.stages.items()
                ],
            }
        ],
        "contacts": [
            {
                "id": str(row["id"]),
                "createdAt": iso(row["created"]),
                "properties_email": row.get("email"),
                "properties_hs_merged_object_ids": row.get("merged"),
                "properties_createdate": iso(row["created"]),
                "properties_associatedcompanyid": row.get("company"),
            }
            for row in portal.contacts
        ],
        "contacts_property_history": [
            {"vid": contact, "canonical-vid": contact, "property": name, "value": value, "timestamp": ms}
            for contact, ms, name, value in portal.contact_changes
        ],
        "companies": [
            {
                "id": str(row["id"]),
                "archived": False,
                "properties_name": row["name"],
                "properties_industry": row.get("industry"),
                "properties_hs_merged_object_ids": row.get("merged"),
                "properties_createdate": iso(row["created"]),
                "properties_hs_lastmodifieddate": iso(row["modified"]),
            }
            for row in portal.companies
        ],
        "email_events": [
            {
                "id": row["id"],
                "created": row["at"],
                "type": row["type"],
                "recipient": row["to"],
                "filteredEvent": row.get("bot", False),
                "obsoletedBy": {"created": row["at"], "id": row["obsoleted_by"]} if row.get("obsoleted_by") else None,
                "emailCampaignId": row.get("campaign"),
            }
            for row in portal.emails
        ],
        "engagements_meetings": [
            {
                "id": str(row["id"]),
                "properties_hs_meeting_start_time": iso(row["at"]),
                "properties_hs_meeting_outcome": row["outcome"],
                "contacts": [str(one) for one in row["contacts"]],
            }
            for row in portal.meetings
        ],
        "engagements_calls": [
            {
                "id": str(row["id"]),
                "properties_hs_timestamp": iso(row["at"]),
                "properties_hs_call_direction": row["direction"],
                "contacts": [str(one) for one in row["contacts"]],
            }
            for row in portal.calls
        ],
    }


LAYOUTS = {"fivetran": _fivetran, "dlt": _dlt, "airbyte": _airbyte}


def export(portal: Portal, folder: Path, layout: str = "fivetran", without: Iterable[str] = ()) -> Path:
    """Write a portal as a tool does: CSV, or JSON Lines with types (Airbyte); tables without rows are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in LAYOUTS[layout](portal).items():
        if rows and name not in without:
            (_lines if layout == "airbyte" else _csv)(folder, name, rows)
    return folder


def _csv(folder: Path, name: str, rows: Rows) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _lines(folder: Path, name: str, rows: Rows) -> None:
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
