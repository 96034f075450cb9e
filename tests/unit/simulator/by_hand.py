"""What is added by hand to a simulated company so that each question has something to answer, and what becomes known after a report."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.oracle.levels.company import Company
from tests.strategies import Event, event

__all__ = ["ADDED", "later", "written"]


def _deal(deal_id: str, amount: str, currency: str, closed_at: str) -> Event:
    dates = {"opened_at": "2025-06-02T09:00:00Z", "closed_at": closed_at}
    about = {"deal_id": deal_id, "account_id": "acct-00001", "status": "won", "stage": "closed_won"}
    return event("deal", "hand", f"{deal_id}/1", closed_at, {**about, **dates, "amount": amount, "currency": currency})


def _adjustment(id_: str, deal_id: str, amount: str, effective_at: str) -> Event:
    data = {"adjustment_id": id_, "deal_id": deal_id, "amount": amount, "currency": "USD", "effective_at": effective_at}
    return event("adjustment", "hand", id_, effective_at, data)


def _spend(id_: str, campaign_id: str, amount: str, currency: str) -> Event:
    data = {"campaign_id": campaign_id, "spend_id": id_, "starts_on": "2025-05-01", "ends_on": "2025-07-31"}
    return event("spend", "hand", id_, "2025-08-01T00:00:00Z", {**data, "amount": amount, "currency": currency})


ADDED: tuple[Event, ...] = (
    _deal("H-1", "1234.56", "USD", "2025-08-20T10:00:00Z"),
    _deal("H-2", "777.777", "KWD", "2025-09-01T10:00:00Z"),  # nobody tells its rate
    _adjustment("H-refund", "H-1", "-34.56", "2025-11-05T12:00:00Z"),
    _adjustment("H-too-much", "H-1", "-5000.00", "2025-12-05T12:00:00Z"),
    _adjustment("H-nowhere", "H-9", "-5.00", "2025-11-06T12:00:00Z"),
    event(
        "campaign",
        "hand",
        "c-fair-uk",
        "2024-01-01T00:00:00Z",
        {"campaign_id": "c-fair-uk", "name": "Spring fair, British stand", "channel": "event", "same_as": "c-fair-spring"},
    ),
    _spend("H-stand", "c-fair-uk", "1000.01", "GBP"),
    _spend("H-dinars", "c-report", "99.999", "KWD"),
)
"""Money that is held for each of its reasons, a refund, and another name of a campaign."""


def later(company: Company, raw: Iterable[Event]) -> tuple[Event, ...]:
    """Return what becomes known after the third quarter was locked: a touch taken back, an amount corrected, a refund, a deletion."""
    last = {one["data"]["deal_id"]: one["data"] for one in raw if one["type"] == "nisba.deal.v1"}
    (touch, *_) = [touch for touch in company.journeys["D-00026"] if touch["team"] == "marketing"]
    taken_back = {"touch_source": touch["touch_source"], "touch_id": touch["touch_id"]}
    revised: dict[str, Any] = {deal_id: {**last[deal_id], "revision": last[deal_id]["revision"] + 1} for deal_id in ("D-00042", "D-00047")}
    return (
        event("touch-retraction", "hand", "L-1", "2026-01-05T09:00:00Z", taken_back),
        event("deal", "hand", "L-2", "2026-01-05T09:00:00Z", {**revised["D-00042"], "amount": "2305.10"}),
        event("deal", "hand", "L-3", "2026-01-05T09:00:00Z", {**revised["D-00047"], "deleted": True}),
        _adjustment("L-4", "H-1", "250.00", "2025-08-30T09:00:00Z"),
    )


def written(events: Iterable[Event], folder: Path) -> Path:
    """Write events as a source does, one a line."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"specversion": "1.0", **one}, ensure_ascii=False) + "\n" for one in events]
    (folder / "by-hand.jsonl").write_text("".join(lines), "utf-8")
    return folder
