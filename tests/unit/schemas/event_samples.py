"""One good event per type, and blocks made of events."""

from __future__ import annotations

import copy
import json
from typing import Any

from schemas.decoder import Decoded, decode_block
from schemas.records import RecordBlock

SAMPLES: dict[str, dict[str, Any]] = {
    "nisba.touch.v1": {
        "account_id": "acme",
        "visitor_id": "v-81",
        "channel": "paid_search",
        "kind": "click",
        "team": "marketing",
        "utm": {"source": "google", "medium": "cpc"},
        "attributes": {"plan": "pro", "a": [1, {"z": 1, "b": 2}]},
    },
    "nisba.touch-retraction.v1": {"touch_source": "web", "touch_id": "t-1", "reason": "bot"},
    "nisba.campaign.v1": {
        "campaign_id": "c-spring",
        "name": "Spring",
        "channel": "event",
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-31",
        "budget": "5000.00",
        "currency": "EUR",
    },
    "nisba.spend.v1": {"campaign_id": "c-spring", "starts_on": "2026-03-01", "amount": "120.50", "currency": "USD", "clicks": 31},
    "nisba.account.v1": {"account_id": "acme", "name": "Acme Tools", "segment": "Mid Market", "employees": 120, "revision": 2},
    "nisba.lead-stage.v1": {"lead_id": "l-9", "stage": "mql", "person_id": "p-1", "account_id": "acme", "score": 71.5},
    "nisba.deal.v1": {
        "deal_id": "d-1",
        "account_id": "acme",
        "stage": "Closed Won",
        "status": "won",
        "opened_at": "2026-01-10T08:00:00Z",
        "closed_at": "2026-03-02T17:00:00+01:00",
        "amount": "48000.00",
        "currency": "USD",
        "revision": 4,
        "contact_ids": ["p-1", "p-2"],
    },
    "nisba.adjustment.v1": {
        "adjustment_id": "a-1",
        "deal_id": "d-1",
        "amount": "-500.00",
        "currency": "USD",
        "effective_at": "2026-04-01T00:00:00Z",
    },
    "nisba.identity.v1": {"op": "link", "left": {"kind": "visitor", "id": "v-81"}, "right": {"kind": "person", "id": "p-1"}},
    "nisba.fx.v1": {"date": "2026-03-02", "base": "EUR", "quote": "USD", "rate": "1.0834"},
    "nisba.erasure.v1": {"visitor_id": "v-81"},
}


def sample(event_type: str, **changes: Any) -> dict[str, Any]:
    """Return a good event; `changes` replace fields of `data`, and `...` removes one."""
    data = copy.deepcopy(SAMPLES[event_type]) | changes
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "test",
        "type": event_type,
        "time": "2026-03-01T09:30:00+03:00",
        "data": {name: value for name, value in data.items() if value is not ...},
    }


def block(*values: Any, headers: list[Any] | None = None, keys: list[Any] | None = None) -> RecordBlock:
    """Return a block; what is no bytes and not None is written as JSON."""
    encoded = [value if value is None or isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    absent: list[Any] = [None] * len(encoded)
    return RecordBlock("topic", 3, [100 + i for i in range(len(encoded))], encoded, keys or absent, headers or absent, list(absent))


def decoded(*values: Any, **options: Any) -> Decoded:
    """Decode values as one block; nothing may get lost."""
    result = decode_block(block(*values, **options))
    facts = sum(table.num_rows for table in result.facts.values())
    assert facts + result.dead_letters.num_rows + sum(value is None for value in values) == result.records == len(values)
    return result


def fact(value: Any, **options: Any) -> dict[str, Any]:
    """Return the one fact that a value becomes."""
    result = decoded(value, **options)
    assert result.dead_letters.num_rows == 0, result.dead_letters.column("message").to_pylist()
    (table,) = result.facts.values()
    row: dict[str, Any]
    (row,) = table.to_pylist()
    return row


def dead_letter(value: Any, **options: Any) -> tuple[str, str]:
    """Return class and message of the one dead letter that a value becomes."""
    result = decoded(value, **options)
    (row,) = result.dead_letters.to_pylist()
    assert row["value"] == (value if isinstance(value, bytes) else json.dumps(value).encode())
    return row["error_class"], row["message"]
