"""Books of one deal, won through two touches of known persons: small enough to see, with every place where a name could slip through."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa

from nisba.attribution.books import BOOK_SCHEMAS

PERSONAL = ("person-jane", "visitor-7f", "lead-jane", "owner-olaf")
"""Ids of persons that are in the warehouse and nowhere in a snapshot."""

_AT = {name: dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc) for name, day in (("touched", 3), ("opened", 5), ("closed", 20))}
_ON = {name: at.date() for name, at in _AT.items()}

ROWS: dict[str, list[dict[str, Any]]] = {
    "identity": [
        {"kind": "visitor", "id": "visitor-7f", "person_id": "person:person-jane", "account_id": "acme"},
        {"kind": "person", "id": "person-jane", "person_id": "person:person-jane", "account_id": "acme"},
        {"kind": "lead", "id": "lead-jane", "person_id": "person:person-jane", "account_id": "acme"},
        {"kind": "account", "id": "acme", "person_id": None, "account_id": "acme"},
    ],
    "account": [{"account_id": "acme", "name": "Acme", "segment": "smb", "employees": 12, "owner": "owner-olaf"}],
    "deal": [
        {
            "deal_id": "d-1",
            "account_id": "acme",
            "status": "won",
            "amount": Decimal(100),
            "currency": "USD",
            "amount_reporting": Decimal(100),
            "opened_at": _AT["opened"],
            "opened_on": _ON["opened"],
            "closed_at": _AT["closed"],
            "closed_on": _ON["closed"],
            "changed_at": _AT["closed"],
            "revision": 0,
            "owner": "owner-olaf",
        }
    ],
    "deal_history": [
        {
            "deal_id": "d-1",
            "state_no": 1,
            "revision": 0,
            "changed_at": _AT["closed"],
            "source": "crm",
            "event_id": "e-1",
            "status": "won",
            "amount": Decimal(80),
            "currency": "USD",
            "owner": "owner-olaf",
        },
    ],
    "journey_touch": [
        {
            "journey": "default",
            "deal_id": "d-1",
            "ordinal": ordinal,
            "journey_length": 2,
            "touch_source": "web",
            "touch_id": f"t-{ordinal}",
            "touched_at": _AT["touched"],
            "touched_on": _ON["touched"],
            "position": "FT+LC+OC" if ordinal == 1 else "CW",
            "channel": "email",
            "kind": "click",
            "team": team,
            "actor": actor,
        }
        for ordinal, team, actor in ((1, "marketing", "person:person-jane"), (2, "sales", "visitor:visitor-7f"))
    ],
    "entry": [
        {
            "deal_id": "d-1",
            "entry_no": 1,
            "entry": "booking",
            "booked_at": _AT["closed"],
            "booked_on": _ON["closed"],
            "is_final": True,
            "currency": "USD",
            "amount": Decimal(100),
            "amount_reporting": Decimal(100),
            "source": "crm",
            "event_id": "e-1",
        }
    ],
    "credit_line": [
        {
            "model": "linear",
            "journey": "default",
            "deal_id": "d-1",
            "ordinal": ordinal,
            "entry_no": 1,
            "weight": Decimal("0.5"),
            "revenue": Decimal(50),
            "revenue_reporting": Decimal(50),
        }
        for ordinal in (1, 2)
    ],
    "pipeline_credit": [
        {
            "model": "linear",
            "deal_id": "d-1",
            "ordinal": 1,
            "touch_source": "web",
            "touch_id": "t-1",
            "channel": "email",
            "team": "marketing",
            "touched_at": _AT["touched"],
            "position": "FT+LC+OC+CW",
            "weight": Decimal(1),
            "created_on": _ON["opened"],
            "amount": Decimal(80),
            "currency": "USD",
            "amount_reporting": Decimal(80),
        }
    ],
    "cost_daily": [{"campaign_id": "c-1", "channel": "email", "day": _ON["touched"], "cost_reporting": Decimal(20)}],
    "held": [],
}


def books(**changed: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """Return the books, some tables replaced."""
    return {name: pa.Table.from_pylist((ROWS | changed)[name], schema=schema) for name, schema in BOOK_SCHEMAS.items()}
